"""A named value that a sensor delivers, and the source that ties it to one sensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sensor_gateway.model.names.topic_level import is_made_of_letters
from sensor_gateway.model.quantity import USUAL, Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One value of a sensor: what it is, and what its chip can physically say.

    ``name`` is by default the quantity's. ``low`` and ``high`` are the physical limits in the quantity's
    unit, ``resolution`` the smallest step that the chip can tell, ``deadband`` how far a value moves before
    it is news unless the configuration says otherwise (0 means any difference).
    """

    name: str = ""
    quantity: Quantity
    low: float
    high: float
    resolution: float
    deadband: float = 0.0

    def __post_init__(self) -> None:
        """Refuse limits, a resolution or a deadband that no chip can have, and `other` without a name (ValueError)."""
        if self.name == "":
            if self.quantity.name == "other":
                raise ValueError(f"a channel of a quantity of its own, in {self.quantity.unit}, needs a name")
            object.__setattr__(self, "name", self.quantity.name)  # so a frozen value is completed
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


def configured_channel(
    name: str,
    *,
    quantity: Quantity,
    low: float | None = None,
    high: float | None = None,
    resolution: float | None = None,
    deadband: float | None = None,
) -> Channel:
    """A channel that a configuration makes, for drivers of protocols: only the owner knows what is measured.

    What is not given comes from the quantity. ValueError, beginning with the key at fault, for what no channel can be.
    """
    if not is_made_of_letters(name):
        raise ValueError(f"channel {name!r} has a name that is not made of a-z, 0-9, _ and -")
    usual_low, usual_high, usual_resolution, usual_deadband = USUAL[quantity.name]
    low = _finite("low", low, usual_low)
    high = _finite("high", high, usual_high)
    resolution = _finite("resolution", resolution, usual_resolution)
    deadband = _finite("deadband", deadband, usual_deadband)
    if low >= high:
        raise ValueError(f"low of {low:g} {quantity.unit} has to be below `high`, which is {high:g} {quantity.unit}")
    if resolution <= 0:
        raise ValueError(f"resolution has to be above 0, got {resolution:g}")
    if deadband < 0:
        raise ValueError(f"deadband has to be 0 or more, got {deadband:g}")
    return Channel(name=name, quantity=quantity, low=low, high=high, resolution=resolution, deadband=deadband)


def check_scaling(scale: float, offset: float) -> None:
    """ValueError, beginning with the key at fault, where raw * scale + offset tells nothing of raw."""
    if not math.isfinite(scale) or scale == 0:
        raise ValueError(f"scale has to be a finite number other than 0, got {scale}")
    if not math.isfinite(offset):
        raise ValueError(f"offset has to be a finite number, got {offset}")


def _finite(key: str, given: float | None, usual: float) -> float:
    if given is None:
        return usual
    if not math.isfinite(given):
        raise ValueError(f"{key} has to be a finite number, got {given}")
    return float(given)
