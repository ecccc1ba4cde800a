"""What an outbox says of what waits in it, and how long the room on flash lasts. Looks, and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.files.segment import Segment
from sensor_gateway.outbox.files.shelf import index_for
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.outbox.tiers.clearance import ColdParts

_LEAST_SPAN_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """``oldest``: when the first event that waits was measured (RFC 3339, None where nothing waits or can be read).

    ``full_in_s``: how long the room on flash lasts at the rate at which it fills, by size alone: ``max_age`` may drop
    events sooner. None where it does not fill, or where it is too early to tell. Whole segments are reckoned with,
    since nothing is read for it; a look from outside counts what waits in them.
    """

    oldest: str | None
    full_in_s: float | None


def full_in_s(cold: ColdParts, settings: OutboxSettings) -> float | None:
    """Seconds; None where nothing waits on flash, or too little to tell, or the file system does not say."""
    marks, newest = cold.marks, cold.shelf.last
    gone = cold.drops.through(marks.epoch, marks.seq)
    if newest is None or newest <= gone:
        return None
    segments = cold.shelf.segments
    waiting = segments[index_for(segments, Position(epoch=gone.epoch, seq=Seq(gone.seq + 1))) :]
    span_ms = _span_ms(waiting)
    used = sum(segment.end for segment in waiting)
    if span_ms is None or span_ms < _LEAST_SPAN_MS or not used:
        return None
    try:
        free = cold.disk.free_bytes(cold.shelf.directory)
    except OSError:
        return None
    allocated = sum(segment.size for segment in segments)
    room = max(min(settings.max_size - used, free - settings.keep_free + allocated - used), 0)
    return room * (span_ms / 1000) / used


def _span_ms(waiting: list[Segment]) -> int | None:
    """From when the oldest was appended to when the newest was."""
    began, newest = waiting[0].began, waiting[-1].newest
    return None if began is None or newest is None else began.age_ms(newest)
