"""Running drivers on buses: engine, schedule, poller, and one door per bus library."""
