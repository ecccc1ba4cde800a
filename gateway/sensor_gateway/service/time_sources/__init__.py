"""What tells that the wall clock was set: one file for each that can tell."""
