"""What the gateway runs by: read, worked out, compared, and kept for a bad day."""
