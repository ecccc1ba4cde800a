"""Thermometers in software."""
