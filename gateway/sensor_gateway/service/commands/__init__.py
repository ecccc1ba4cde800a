"""What may be asked of a running gateway through its broker."""
