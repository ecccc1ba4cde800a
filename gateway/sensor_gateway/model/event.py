"""News: what leaves the gateway. The lists are closed and public (contract, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sensor_gateway.model.channel import Source
from sensor_gateway.model.light_value import light_value
from sensor_gateway.model.position import Epoch
from sensor_gateway.model.reading import FailureCode, Stamp


class EventType(StrEnum):
    """What an entry of the stream tells of."""

    VALUE = "value"
    GAP = "gap"
    EPOCH = "epoch"
    CLOCK = "clock"


class Reason(StrEnum):
    """Why a value became news."""

    FIRST = "first"
    CHANGE = "change"
    HEARTBEAT = "heartbeat"
    FAULT = "fault"
    RECOVERY = "recovery"


class Quality(StrEnum):
    """How far a value can be trusted. ``stale`` stands in state messages only."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    STALE = "stale"


class GapCause(StrEnum):
    """Why events of the stream are missing."""

    LIMIT = "limit"
    AGE = "age"
    DAMAGE = "damage"
    QUARANTINE = "quarantine"
    MEMORY = "memory"
    PURGE = "purge"
    UNKNOWN = "unknown"


@light_value()
class ChangeEvent:
    """News of one channel (type ``value``).

    ``value`` is None exactly when the quality is bad, and then ``code`` says why. The stamp is that of
    the measurement the event tells of, which a heartbeat repeats.
    """

    source: Source
    value: float | None
    quality: Quality
    reason: Reason
    code: FailureCode | None
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochStart:
    """The first event of an epoch: names the one before, and its last seq where that is known."""

    previous: Epoch | None
    previous_last_seq: int | None
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events that are missing from the stream, announced where the hole is.

    ``from_seq`` and ``to_seq`` are None for events that never had a seq; such a gap stands before
    ``before_seq``. Times are milliseconds since 1970 (UTC), None where unknown.
    """

    epoch: Epoch
    from_seq: int | None
    to_seq: int | None
    before_seq: int | None
    count: int
    from_wall_ms: int | None
    to_wall_ms: int | None
    cause: GapCause
