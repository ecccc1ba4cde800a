"""Sections of the configuration file that one subject has: the broker, and the buses."""
