"""What systemd is told: that we are ready, alive and how we are; and the records of its journal."""
