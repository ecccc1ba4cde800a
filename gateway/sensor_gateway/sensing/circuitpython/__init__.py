"""Drivers written for CircuitPython, run unchanged and without Blinka: code that blocks, on a bus that is shared."""
