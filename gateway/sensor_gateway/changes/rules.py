"""What makes a reading of one channel news: deadband, heartbeat, minimum interval and filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from sensor_gateway.changes.filters import FilterSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Absolute:
    """News when the value moved by ``by`` or more, in the channel's unit. 0 means any difference."""

    by: float

    def __post_init__(self) -> None:
        """Refuse what no difference can reach or miss (ValueError)."""
        if not (math.isfinite(self.by) and self.by >= 0):
            raise ValueError(f"deadband: must be 0 or more, got {self.by}")

    def around(self, reference: float) -> float:
        """How far the value may stray from ``reference`` before it is news."""
        del reference
        return self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """News when the value moved by ``fraction`` of the last published one, and by ``at_least`` in its unit."""

    fraction: float
    at_least: float

    def __post_init__(self) -> None:
        """Refuse parts that are none, and a floor of 0: near 0 a part of the value is no deadband (ValueError)."""
        if not (math.isfinite(self.fraction) and self.fraction > 0):
            raise ValueError(f"relative: must be above 0, got {self.fraction}")
        if not (math.isfinite(self.at_least) and self.at_least > 0):
            raise ValueError(f"at_least: must be above 0, as a part of a value near 0 is nothing, got {self.at_least}")

    def around(self, reference: float) -> float:
        """How far the value may stray from ``reference`` before it is news."""
        return max(self.fraction * abs(reference), self.at_least)


Deadband: TypeAlias = Absolute | Relative


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRules:
    """When a channel speaks.

    ``heartbeat_ms`` is the longest silence (None: no limit) and goes before ``at_most_ms``, the shortest time
    between two events (0: none). ``interval_ms`` is how often a reading is expected: after a hole of more than
    three of them the filters begin anew.
    """

    deadband: Deadband
    heartbeat_ms: int | None
    at_most_ms: int
    interval_ms: int
    filters: tuple[FilterSpec, ...]

    def __post_init__(self) -> None:
        """Refuse times that cannot pass (ValueError)."""
        if self.heartbeat_ms is not None and self.heartbeat_ms < 1:
            raise ValueError(f"heartbeat: must be above 0, got {self.heartbeat_ms} ms")
        if self.at_most_ms < 0:
            raise ValueError(f"at_most: must be 0 or more, got {self.at_most_ms} ms")
        if self.interval_ms < 1:
            raise ValueError(f"interval: must be above 0, got {self.interval_ms} ms")
