"""What the owner of a bus says of it from time to time: a frozen value that any thread may read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sensor_gateway.model.reading import Stamp


class BusState(StrEnum):
    """Whether a bus is served: ``hung`` in a call that does not return, or ``ended`` and about to be begun anew."""

    ALIVE = "alive"
    HUNG = "hung"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorTally:
    """One sensor: polls begun (measurements of a stream), polls that failed for good, and its last good reading."""

    sensor: str
    polls: int
    failures: int
    last_good: Stamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusReport:
    """One bus since its thread began.

    ``load`` is the share of the last minute in which a transfer was under way, ``error_rate`` the share of that
    minute's transfers that failed; None where nothing can be told. ``missed`` counts deadlines that were not met,
    ``put_off`` news that had to wait because the publisher's queue was full.
    """

    bus: str
    state: BusState
    load: float | None
    error_rate: float | None
    transfers: int
    errors: int
    missed: int
    put_off: int
    sensors: tuple[SensorTally, ...]
