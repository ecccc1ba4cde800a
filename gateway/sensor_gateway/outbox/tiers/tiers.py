"""Memory, hot journal and flash, as one place: what is added to it, and how it moves from one to the next in time.

Nothing here waits for the medium.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.alarm import Retry
from sensor_gateway.outbox.clocks.clock_file import CLOCKS, ClockFile
from sensor_gateway.outbox.files.hot import HotHeader
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, frame, plain_body
from sensor_gateway.outbox.files.syncer import SyncAnswer
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.outbox.tiers.clearance import CURSOR, Clearance, ColdParts
from sensor_gateway.outbox.tiers.hot_copy import HotCopy
from sensor_gateway.outbox.tiers.limits import Limits
from sensor_gateway.outbox.tiers.pace import Pace
from sensor_gateway.outbox.tiers.spill import Spill
from sensor_gateway.outbox.tiers.tail import Tail

_SYNC_POLL_S: Final = 0.05
_TIDY_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TierParts:
    """What the tiers are made of. ``hot`` is None where there is no hot directory, or nothing may be kept there.

    ``can_spill``: flash may be written. ``is_woken``: somebody calls for a turn when a sync has answered.
    """

    tail: Tail
    marks: Marks
    hot: HotCopy | None
    cold: ColdParts
    spill: Spill
    clearance: Clearance
    limits: Limits
    clocks: ClockFile
    retry: Retry
    boot: int
    is_woken: bool
    can_spill: bool


class Tiers:
    """Moves events from memory to flash, and out. Times are monotonic seconds, and moments as records have them."""

    def __init__(self, parts: TierParts, settings: OutboxSettings, monotonic: Callable[[], float]) -> None:
        """Everything is built and recovered already. What is added before ``begin`` is a part of what was recovered."""
        self._parts = parts
        self._tail, self._marks, self._hot, self._shelf = parts.tail, parts.marks, parts.hot, parts.cold.shelf
        self._settings = settings
        self._monotonic = monotonic
        self._can_spill = parts.can_spill
        self._has_begun = False
        self._pace = Pace(parts.tail, settings)

    @property
    def is_direct(self) -> bool:
        """Whether events go to flash as they come, because no hot journal keeps them."""
        return self._can_spill and not self.is_hot

    @property
    def is_hot(self) -> bool:
        """Whether the hot journal keeps what is added."""
        return self._hot is not None and self._hot.is_open

    @property
    def is_waiting(self) -> bool:
        """Whether a sync is under way, or due for something that was written."""
        cold = self._parts.cold
        return self._parts.spill.is_waiting or cold.writer.is_preparing or cold.cursor.is_syncing

    @property
    def pending(self) -> int:
        """How many events are neither acknowledged nor discarded."""
        tail, marks = self._parts.tail, self._parts.marks
        gone = self._parts.cold.drops.through(marks.epoch, marks.seq)
        head = tail.first
        count = tail.count
        if head is not None:
            before = Position(epoch=head.epoch, seq=Seq(head.first_seq - 1))
            above = max(gone, before)
            if above.epoch == head.epoch:
                count -= above.seq - before.seq
            for epoch, first, last in marks.ranges:
                if (epoch, last) > (above.epoch, above.seq):
                    count -= last - (max(first, above.seq + 1) if epoch == above.epoch else first) + 1
            if before <= gone:
                return max(count, 0)
        newest = self._parts.cold.shelf.last
        if newest is None or newest <= gone:
            return max(count, 0)
        return max(count, 0) + max(self._parts.clearance.pending, 1)

    def add(self, record: Record) -> bool:
        """Take a record in; when this returns, it outlives the process wherever any tier can see to that.

        False where nothing was taken in, because its seq may not be given out: a restart would give it out again.
        """
        hot, tail = self._hot, self._tail
        if not self._has_begun:
            tail.add(record)
            return True
        is_kept = hot is not None and hot.add(frame(record, plain_body(record.bodies)), self._monotonic)
        if not is_kept and hot is not None and hot.proves_too_little(record.epoch):
            return False
        tail.add(record)
        if not is_kept and self._can_spill:
            self._parts.spill.write(math.inf, self._parts.boot, self._monotonic())
        if tail.size > self._settings.hot_cap:
            self.relieve(self._monotonic())
            self._parts.limits.shorten(is_waiting=self.is_waiting)
        return True

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more can be taken in now."""
        if self._tail.size + size <= self._settings.hot_cap:
            return True
        limits = self._parts.limits
        if limits.has_room(size, is_waiting=self.is_waiting):
            return True
        self.relieve(self._monotonic())
        return limits.has_room(size, is_waiting=self.is_waiting)

    def acknowledge(self, epoch: Epoch, first: int, last: int) -> None:
        """Take note of an acknowledgement, and let go of what is not needed any more."""
        if self._shelf.segments:
            self._parts.clearance.acknowledged(epoch, first, last, self._tail.first)
        marks = self._marks
        marks.acknowledge(epoch, first, last)
        self._tail.settle(marks.epoch, marks.seq)
        if self._hot is not None:
            self._hot.note_marks()

    def turn(self, header: Callable[[], HotHeader], now: Moment, now_s: float) -> float | None:
        """One turn; gives the seconds until the next one is wanted, None for when something comes."""
        parts = self._parts
        self.take(parts.cold.syncer.answers(), now_s)
        if self._hot is not None:
            self._hot.turn(header, self._settings.hot_slack, now_s)
        parts.limits.drop_aged(now)
        # Freeing goes first: on a full card the next segment finds no room, and would use up each try.
        if self._can_spill or self._shelf.segments:
            parts.clearance.turn(now, now_s)
        if self._can_spill:
            self._spill(now, now_s)
            self._probe(now_s)
        return self._wait_s(now, now_s)

    def begin(self, header: HotHeader, now_s: float) -> None:
        """Start the hot journal anew, in one step, with all that was recovered: the one before may be its only copy."""
        self._has_begun = True
        if self._parts.hot is not None:
            self._parts.hot.begin(header, now_s)

    def late_strays(self) -> list[bytes]:
        """Events from a hot journal that could not be read at the start, and now could; each given once."""
        return [] if self._hot is None else self._hot.late_strays()

    def close(self, header: Callable[[], HotHeader], *, is_settled: bool) -> None:
        """Let all files go. ``is_settled``: nothing in the hot journal is needed, and nothing may go on from it."""
        parts = self._parts
        if parts.hot is not None:
            parts.hot.turn(header, self._settings.hot_slack, self._monotonic())
            parts.hot.close(is_settled=is_settled)
        parts.cold.syncer.stop()
        parts.cold.writer.abandon()
        parts.cold.shelf.close_all()
        parts.cold.cursor.close()
        parts.clocks.close()

    def take(self, answers: Sequence[SyncAnswer], now_s: float) -> None:
        """Take in what the syncer answered."""
        for answer in answers:
            if answer.job.name == CLOCKS:
                self._parts.clocks.settle(answer)
                continue
            self._shelf.held.settle(answer)
            (self._parts.clearance if answer.job.name == CURSOR else self._parts.spill).settle(answer, now_s)

    def _probe(self, now_s: float) -> None:
        """Something failed on flash, and nothing is left to be written: see whether it works again."""
        parts = self._parts
        is_idle = parts.tail.first_unwritten is None and not self.is_waiting
        if is_idle and parts.retry.is_failing and parts.retry.may_try(now_s):
            parts.clearance.probe(now_s)

    def relieve(self, now_s: float) -> None:
        """Put on flash whatever can be put there now."""
        if self._can_spill:
            self.take(self._parts.cold.syncer.answers(), now_s)
            self._parts.spill.write(math.inf, self._parts.boot, now_s)
            self._parts.spill.flush()

    def _spill(self, now: Moment, now_s: float) -> None:
        spill, limits = self._parts.spill, self._parts.limits
        is_all = True
        if self.is_direct:
            spill.write(math.inf, now.boot, now_s)
            spill.make_ready(now_s)
        elif limits.is_short:
            self.relieve(now_s)
        elif self._pace.due_s(now, now_s) <= 0:
            is_all = spill.write(self._pace.until_ms(now), now.boot, now_s)
        writer = self._parts.cold.writer
        if writer.has_unsynced and not writer.is_flushing and self._pace.may_flush(now_s):
            spill.flush()
            if not is_all:
                self._pace.hurry()
        spill.look_for_room(now_s)

    def _wait_s(self, now: Moment, now_s: float) -> float | None:
        parts = self._parts
        is_hurt = parts.retry.is_failing or (self._hot is not None and not self._hot.is_open)
        if self._tail.first is None and not self._shelf.segments and not self.is_waiting and not is_hurt:
            return None
        waits = [_TIDY_EVERY_S] if self._shelf.segments or is_hurt else []
        if self.is_waiting and not parts.is_woken:
            waits.append(_SYNC_POLL_S)
        if self._can_spill and not self.is_waiting:
            allowed_in_s = max(parts.retry.at_s, parts.spill.room_at_s) - now_s
            waits.append(max(self._pace.due_s(now, now_s), allowed_in_s))
        if parts.cold.writer.has_unsynced and not parts.cold.writer.is_flushing:
            waits.append(max(self._pace.flush_in_s(now_s), _SYNC_POLL_S))
        wait_s = min(waits, default=math.inf)
        return None if math.isinf(wait_s) else max(wait_s, 0.0)
