"""Assembly of the rooms into a daemon, and its life from start to stop."""
