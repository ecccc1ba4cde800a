"""Changing the configuration while the gateway runs."""
