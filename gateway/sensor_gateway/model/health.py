"""What is known of a sensor's health, as its availability topic tells it (contract, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.model.units import Seconds


class Availability(StrEnum):
    """``starting`` until the first good reading; ``degraded`` after one failed poll, ``offline`` after two in a row."""

    STARTING = "starting"
    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorState:
    """The health of one sensor since a moment: why it is so, in a code and in a sentence that says what to do."""

    sensor: str
    state: Availability
    code: FailureCode | None
    reason: str
    since: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadSensor:
    """A configured sensor whose driver cannot be used: all that is known of it without its driver.

    ``place`` is where the driver is named, ``reason`` what is wrong with it.
    """

    name: str
    driver: str
    interval_s: Seconds
    label: str
    place: str
    reason: str
