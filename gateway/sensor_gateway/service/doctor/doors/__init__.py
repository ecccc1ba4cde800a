"""Doors: each reads the facts of one subject, as far as this user may see them, and changes nothing."""
