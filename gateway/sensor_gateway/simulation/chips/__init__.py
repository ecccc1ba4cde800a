"""Chip models, one file per family."""
