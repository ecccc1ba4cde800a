"""A device that writes a line of text at its interval."""

from __future__ import annotations

from sensor_gateway.simulation.chips.vectors import VectorTalker as LineTalker

__all__ = ["LineTalker"]
