"""Subcommands about what goes over wires: what is connected, what was said, and what it means."""
