"""Our quantities in Home Assistant's words: device class, unit and state class. Pure.

Names of quantities are its device classes and units are its units already (model/quantity.py); this table holds the
differences. Source: homeassistant/components/sensor/const.py, DEVICE_CLASS_UNITS and DEVICE_CLASS_STATE_CLASSES.
"""

from __future__ import annotations

import math
from typing import Final

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.quantity import QUANTITIES, Quantity

_WITHOUT_UNIT: Final = frozenset({"ph"})
"""Device classes that allow no unit."""

_ACCUMULATED: Final = frozenset({"energy", "precipitation"})
"""Device classes of what adds up, where a mean says nothing."""

_FINEST: Final = 9


def device_class(quantity: Quantity) -> str | None:
    """The device class; None for a quantity that Home Assistant has no name for."""
    return quantity.name if quantity.name in QUANTITIES else None


def unit(quantity: Quantity) -> str | None:
    """The unit as Home Assistant writes it; None where it wants none."""
    return None if quantity.name in _WITHOUT_UNIT else quantity.unit.strip() or None


def state_class(channel: Channel) -> str:
    """How its history is summed up. What adds up starts anew after a decrease, unless it may be negative."""
    if channel.quantity.name not in _ACCUMULATED:
        return "measurement"
    return "total_increasing" if channel.low >= 0 else "total"


def precision(resolution: float) -> int:
    """Digits behind the point that a value of this resolution needs."""
    return min(max(math.ceil(-math.log10(resolution) - 1e-9), 0), _FINEST)
