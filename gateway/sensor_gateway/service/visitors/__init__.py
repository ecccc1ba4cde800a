"""Serving those who come to a socket: each one asks once, is told once, and is let go. All of it is bounded."""
