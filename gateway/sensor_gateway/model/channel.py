"""A named value that a sensor delivers, and the source that ties it to one sensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sensor_gateway.model.quantity import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One value of a sensor: what it is, and what its chip can physically say.

    ``low`` and ``high`` are the physical limits in the quantity's unit, ``resolution`` the smallest
    step that the chip can tell, ``deadband`` how far a value moves before it is news unless the
    configuration says otherwise (0 means any difference).
    """

    name: str
    quantity: Quantity
    low: float
    high: float
    resolution: float
    deadband: float = 0.0

    def __post_init__(self) -> None:
        """Refuse limits, a resolution or a deadband that no chip can have (ValueError)."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"channel {self.name}: limits must be finite and rising, got {self.low}..{self.high}")
        if not (math.isfinite(self.resolution) and self.resolution > 0):
            raise ValueError(f"channel {self.name}: resolution must be above 0, got {self.resolution}")
        if not (math.isfinite(self.deadband) and self.deadband >= 0):
            raise ValueError(f"channel {self.name}: deadband must be 0 or more, got {self.deadband}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where readings come from: one channel of one configured sensor. Shared by all its readings."""

    sensor: str
    channel: Channel
