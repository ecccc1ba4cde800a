"""Making a service of an installation that no package manager looks after."""
