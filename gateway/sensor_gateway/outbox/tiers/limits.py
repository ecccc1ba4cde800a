"""What may be in memory, and what goes when that is too much, or too old."""

from __future__ import annotations

from sensor_gateway.model.event import GapCause
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.settings import OutboxSettings, WhenFull
from sensor_gateway.outbox.tiers.clearance import Clearance, ColdParts, unacknowledged
from sensor_gateway.outbox.tiers.tail import Tail


class Limits:
    """Judges the tail by size and age. What it drops is counted, and announced where the hole is."""

    def __init__(self, tail: Tail, cold: ColdParts, clearance: Clearance, settings: OutboxSettings) -> None:
        """All but the settings belong to the outbox."""
        self._tail = tail
        self._marks, self._drops, self._counters = cold.marks, cold.drops, cold.counters
        self._clearance = clearance
        self._settings = settings
        self._max_age_ms = settings.max_age_s * 1000

    @property
    def is_short(self) -> bool:
        """Whether memory is so nearly full that events should go to flash before their time."""
        return self._tail.size * 4 > self._settings.hot_cap * 3

    def has_room(self, size: int, *, is_waiting: bool) -> bool:
        """Whether so much more may be added. Under ``drop_oldest`` it always may."""
        is_dropping = self._settings.when_full is WhenFull.DROP_OLDEST
        return is_dropping or self._tail.size + size <= self._limit(is_waiting=is_waiting)

    def shorten(self, *, is_waiting: bool) -> None:
        """Drop the oldest in memory until the rest fits. Under ``drop_newest`` nothing is dropped."""
        if self._settings.when_full is WhenFull.DROP_OLDEST:
            while self._tail.size > self._limit(is_waiting=is_waiting):
                self._drop_first(GapCause.MEMORY)

    def drop_aged(self, now: Moment) -> None:
        """Drop what is older than it may become."""
        while (first := self._tail.first) is not None:
            age_ms = first.began.age_ms(now)
            if age_ms is None or age_ms <= self._max_age_ms:
                return
            self._drop_first(GapCause.AGE)

    def _limit(self, *, is_waiting: bool) -> int:
        """Twice the cap while a sync is under way: it will make room, and until then nothing else has the events."""
        return self._settings.hot_cap * (2 if is_waiting else 1)

    def _drop_first(self, cause: GapCause) -> None:
        record = self._tail.drop_first()
        count = unacknowledged(self._marks, record.epoch, record.first_seq, record.last_seq)
        # What is acknowledged ahead of the mark is a part of the hole too: a shutdown or a cut takes those marks away.
        self._drops.add(
            Drop(
                epoch=record.epoch,
                first=record.first_seq,
                last=record.last_seq,
                count=count,
                cause=cause,
                from_ms=record.began.wall_ms,
                to_ms=record.began.wall_ms + record.span_ms,
            )
        )
        self._counters.drop(cause, count)
        self._clearance.note_drops()
