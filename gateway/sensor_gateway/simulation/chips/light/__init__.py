"""Models of light sensors."""
