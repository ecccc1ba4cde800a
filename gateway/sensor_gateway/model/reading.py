"""What one try to measure gave: readings or a failure, with the moment they were taken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sensor_gateway.model.channel import Source
from sensor_gateway.model.light_value import light_value


class ClockState(StrEnum):
    """What is known of the wall clock that stamped a value (contract, section 3)."""

    SYNCED = "synced"
    CORRECTED = "corrected"
    UNSYNCED = "unsynced"


class FailureCode(StrEnum):
    """Why a measurement gave no value. The list is closed: subscribers count on it."""

    NACK = "nack"
    TIMEOUT = "timeout"
    CRC = "crc"
    RANGE = "range"
    POWER_ON = "power_on"
    FROZEN = "frozen"
    BUS_STUCK = "bus_stuck"
    MISSING = "missing"
    DRIVER_ERROR = "driver_error"


@light_value()
class Stamp:
    """When something was measured: milliseconds since boot (suspend included) and since 1970 (UTC)."""

    uptime_ms: int
    wall_ms: int
    clock: ClockState


@light_value()
class Reading:
    """One measured value of one channel, in the unit of its quantity."""

    source: Source
    value: float
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A measurement of one channel that gave no value: the code, and a sentence for the operator."""

    source: Source
    code: FailureCode
    detail: str
    stamp: Stamp
