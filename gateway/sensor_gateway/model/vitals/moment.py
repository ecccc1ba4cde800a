"""A moment as all surfaces write it."""

from __future__ import annotations

from typing import NewType

Rfc3339 = NewType("Rfc3339", str)
"""A moment in UTC with milliseconds: ``2026-11-23T16:00:00.123Z``."""
