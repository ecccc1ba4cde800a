"""What publishing tells of itself, and how the health topic gets its payload."""
