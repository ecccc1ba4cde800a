"""Arithmetic for drivers: pure, and small."""
