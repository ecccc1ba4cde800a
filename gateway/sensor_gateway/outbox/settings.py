"""How much the outbox may hold, for how long, and how safe an event is when it counts as accepted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.units import Bytes, Seconds

MINIMUM_SEGMENTS: Final = 4
"""Below this many segments, dropping a whole one would lose a quarter of everything, or more."""


_MIB: Final = Bytes(1024 * 1024)
_HOT_CAP: Final = Bytes(4 * _MIB)
_MAX_SIZE: Final = Bytes(64_000_000)
_KEEP_FREE: Final = Bytes(100_000_000)
_MONTH: Final = Seconds(30 * 86_400.0)
_FIVE_SECONDS: Final = Seconds(5.0)


class WhenFull(StrEnum):
    """Which events are lost when there is no room: whole segments of the oldest, or the newest, one by one."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"


class Durability(StrEnum):
    """What an accepted event survives.

    ``spill``: kill -9 at once, a power cut once it has waited for ``spill_after`` and ``flush_every``.
    ``always``: both, within one group commit. ``memory``: neither; nothing is written per event.
    """

    SPILL = "spill"
    ALWAYS = "always"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """The limits of the outbox.

    ``max_size`` bounds the segments on flash and must hold four of them. ``keep_free`` stops growth while
    the file system has less, and never deletes. ``hot_cap`` bounds the events in memory and in the hot journal,
    which is rewritten once ``hot_slack`` of it is no longer needed.
    """

    max_size: Bytes = _MAX_SIZE
    max_age_s: Seconds = _MONTH
    keep_free: Bytes = _KEEP_FREE
    when_full: WhenFull = WhenFull.DROP_OLDEST
    durability: Durability = Durability.SPILL
    spill_after_s: Seconds = _FIVE_SECONDS
    flush_every_s: Seconds = _FIVE_SECONDS
    hot_cap: Bytes = _HOT_CAP
    hot_slack: Bytes = _MIB
    segment_size: Bytes = _MIB

    def __post_init__(self) -> None:
        """Refuse a size that whole segments cannot honour (OperatorError)."""
        if self.max_size < MINIMUM_SEGMENTS * self.segment_size:
            least = MINIMUM_SEGMENTS * self.segment_size
            raise OperatorError(f"outbox.max_size must hold four segments ({least} bytes), got {self.max_size} bytes")
