"""Types that carry their unit, so that a number in the wrong one does not type-check, nor load from a file."""

from __future__ import annotations

from typing import NewType

Seconds = NewType("Seconds", float)
"""A duration. Written ``500ms``, ``2s``, ``5min``, ``1h`` or ``30d`` in a configuration file, never bare."""

Bytes = NewType("Bytes", int)
"""A size. Written ``64MB`` (powers of 1000) or ``4MiB`` (powers of 1024) in a configuration file, never bare."""
