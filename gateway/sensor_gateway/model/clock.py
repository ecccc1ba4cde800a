"""The three clocks, behind one door, so that tests and simulation bring their own.

Monotonic time is for waiting, boot time and wall time are for stamps; they are never mixed.
"""

from __future__ import annotations

from typing import Protocol

from sensor_gateway.model.reading import Stamp


class Clock(Protocol):
    """Tells time. Implementations never sleep."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; for deadlines only."""
        ...

    def stamp(self) -> Stamp:
        """Boot time and wall time of now, and what is known of the wall clock."""
        ...
