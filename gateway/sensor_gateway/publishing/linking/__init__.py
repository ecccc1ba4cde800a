"""One connection after another: who makes them, who keeps them, and by which settings."""
