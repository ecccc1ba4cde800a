"""When events go to flash: those not acknowledged in time, those for which memory is short, all of them at the end.

Nothing here waits: syncs are handed over, and memory lets go of an event only when the sync of its copy has answered.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.outbox.alarm import RETRY_S, Alarm
from sensor_gateway.outbox.files.segment_writer import FLUSH, PREPARE
from sensor_gateway.outbox.files.shelf import Room
from sensor_gateway.outbox.files.syncer import SyncAnswer
from sensor_gateway.outbox.settings import OutboxSettings, WhenFull
from sensor_gateway.outbox.tiers.clearance import Clearance, ColdParts, waiting
from sensor_gateway.outbox.tiers.tail import Tail

_ROOM_RETRY_S: Final = 1.0
_RECORD_SIZE: Final = 64 * 1024
_RECORD_EVENTS: Final = 4096


class Spill:
    """Moves the tail into segments.

    ``room_at_s`` is when a segment is looked for again after there was no room for one, on the monotonic clock.
    """

    def __init__(
        self, parts: ColdParts, tail: Tail, clearance: Clearance, settings: OutboxSettings, room: Alarm
    ) -> None:
        """Nothing is touched before there is something to write."""
        self._parts = parts
        self._tail = tail
        self._clearance = clearance
        self._when_full = settings.when_full
        self._record_size = min(_RECORD_SIZE, settings.segment_size // 2)
        self._room = room
        self._alarm_at_s = 0.0
        self.room_at_s = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether something that was written is not known to be safe."""
        return self._parts.writer.is_flushing or self._parts.writer.has_unsynced

    def write(self, until_ms: float, boot: int, now_s: float) -> bool:
        """Write what was appended by ``until_ms``, as far as there is room; False where some of it had to wait."""
        if not self._parts.retry.may_try(now_s):
            return False
        try:
            if not self._is_anchored():
                self._clearance.sync_cursor()
                return False
            while batch := self._tail.batch(self._record_size, _RECORD_EVENTS, until_ms, boot):
                if not self._parts.writer.write(batch):
                    self._make_ready(now_s)
                    return False
                self._tail.wrote(len(batch))
                self._parts.counters.spilled += sum(len(record.bodies) for record in batch)
        except OSError as error:
            self._tail.rewind()
            self._parts.retry.failed(FLUSH, error, now_s)
            return False
        return True

    def make_ready(self, now_s: float) -> None:
        """Have the next segment at hand before it is needed."""
        if self._parts.writer.is_half_full and self._parts.retry.may_try(now_s):
            try:
                self._make_ready(now_s)
            except OSError as error:
                self._parts.retry.failed(PREPARE, error, now_s)

    def flush(self) -> None:
        """Begin to sync what was written, unless a sync is under way."""
        self._parts.writer.flush()

    def look_for_room(self, now_s: float) -> None:
        """Now and then while the alarm is raised: clear it where there is room again, though nothing needs it."""
        if self._room.is_raised and now_s >= self._alarm_at_s and self._parts.retry.may_try(now_s):
            with suppress(OSError):
                room = self._parts.shelf.room()
                self._alarm_at_s = _again_at_s(room, now_s)
                if not self._is_refused(room):
                    self._room.clear()

    def settle(self, answer: SyncAnswer, now_s: float) -> None:
        """The syncer's answer about a segment that was made ready, or about what was written."""
        name, error = answer.job.name, answer.error
        if name == PREPARE:
            self._parts.writer.prepared(error)
        else:
            error = self._flushed(error)
        if error is not None:
            self._parts.retry.failed(name, error, now_s)
        else:
            self._parts.retry.worked(name)

    def _is_anchored(self) -> bool:
        """Whether flash knows of all that was acknowledged before what is next: else a cut would make it look lost."""
        first, marks = self._tail.first_unwritten, self._parts.marks
        if first is None:
            return True
        border = min((marks.epoch, marks.seq), (first.epoch, first.first_seq - 1))
        known = (self._parts.shelf.last, self._parts.cursor.safe)
        return any((place.epoch, place.seq) >= border for place in known if place is not None)

    def _flushed(self, error: OSError | None) -> OSError | None:
        """Take the answer in; gives why what was written is not safe."""
        through = self._parts.writer.flushed(error)
        if isinstance(through, OSError):
            self._tail.rewind()
            return through
        for record in self._tail.settle(through.epoch, through.seq):
            self._clearance.pending += waiting(self._parts, record.epoch, record.first_seq, record.last_seq)
        return None

    def _make_ready(self, now_s: float) -> None:
        if now_s < self.room_at_s:
            return
        room = self._parts.writer.prepare()
        if self._is_refused(room):
            self.room_at_s, self._alarm_at_s = now_s + _ROOM_RETRY_S, _again_at_s(room, now_s)
            self._room.raise_for(reason=room.value)
            return
        self._room.clear()
        if room is Room.FULL:
            self._clearance.drop_oldest(GapCause.LIMIT)

    def _is_refused(self, room: Room) -> bool:
        """Whether there may be no further segment, and nothing is dropped for one."""
        return room is Room.FLOOR or (room is Room.FULL and self._when_full is not WhenFull.DROP_OLDEST)


def _again_at_s(room: Room, now_s: float) -> float:
    """When to look whether the alarm is over: what others leave free on the card may change to and fro."""
    return now_s + (RETRY_S if room is Room.FLOOR else _ROOM_RETRY_S)
