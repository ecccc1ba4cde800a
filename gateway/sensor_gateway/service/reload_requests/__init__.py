"""Reloads that are asked for: the requests to the main thread, and its answers."""
