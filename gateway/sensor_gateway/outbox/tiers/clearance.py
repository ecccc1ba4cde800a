"""What may go from flash: segments that are acknowledged, and the oldest ones where a limit says so. Owns the cursor.

Nothing goes before the cursor that makes up for it is safe, or a power cut would leave a hole that nobody announced.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.alarm import Retry
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.drops import Drop, Drops
from sensor_gateway.outbox.files.cursor import CursorFile, CursorState
from sensor_gateway.outbox.files.disk import Disk, read_file
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, scan
from sensor_gateway.outbox.files.segment import Segment
from sensor_gateway.outbox.files.segment_writer import SegmentWriter
from sensor_gateway.outbox.files.shelf import Shelf, is_passed
from sensor_gateway.outbox.files.syncer import SyncAnswer, Syncer, SyncJob
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.settings import Durability, OutboxSettings

CURSOR: Final = "cursor"
CURSOR_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdParts:
    """What the part on flash is made of. ``retry`` is for all of it."""

    disk: Disk
    shelf: Shelf
    writer: SegmentWriter
    cursor: CursorFile
    syncer: Syncer
    marks: Marks
    drops: Drops
    counters: OutboxCounters
    retry: Retry


class Clearance:
    """Frees, drops, and keeps the cursor. ``pending`` counts what waits in cold, damage not considered.

    Under ``durability: always`` the newest segment stays although all of it is acknowledged, to be written on.
    """

    def __init__(self, parts: ColdParts, settings: OutboxSettings, *, pending: int) -> None:
        """Nothing is touched before the first turn."""
        self._parts = parts
        self._max_age_ms = settings.max_age_s * 1000
        self._keeps_segment = settings.durability is Durability.ALWAYS
        self._cursor_at_s = 0.0
        self._dropping: Segment | None = None
        self._drop_is_written = False
        self._drops_changed = False
        self._is_probing = False
        self.pending = pending

    @property
    def dropping(self) -> Segment | None:
        """The segment that goes once the cursor is safe."""
        return self._dropping

    def turn(self, now: Moment, now_s: float) -> None:
        """Free what is acknowledged, drop what is too old, and keep the cursor up to date."""
        if not self._parts.retry.may_try(now_s):
            return
        try:
            self._free(now_s)
            self._drop_aged(now)
            self._keep_cursor(now_s)
        except OSError as error:
            self._parts.retry.failed(CURSOR, error, now_s)

    def settle(self, answer: SyncAnswer, now_s: float) -> None:
        """The syncer's answer about the cursor."""
        parts = self._parts
        error = parts.cursor.end_sync(answer.error)
        if error is not None:
            self._drop_is_written = self._is_probing = False
            parts.retry.failed(CURSOR, error, now_s)
            return
        parts.retry.worked(CURSOR)
        if self._is_probing:
            self._is_probing = False
            parts.retry.recovered()
        if self._dropping is not None and self._drop_is_written:
            segment, self._dropping, self._drop_is_written = self._dropping, None, False
            if segment in parts.shelf.segments:
                with suppress(OSError):
                    self._release(segment)

    def drop_oldest(self, cause: GapCause) -> None:
        """Note in the cursor what the oldest segment holds; it goes once that is safe. OSError."""
        parts = self._parts
        segment = parts.shelf.segments[0] if parts.shelf.segments else None
        if self._dropping is not None or segment is None or parts.writer.holds(segment):
            return
        contents = _contents(parts, segment, cause)
        parts.writer.let_go(segment)
        self._dropping, self._drop_is_written = segment, False
        self.note_drops(*contents)
        self.sync_cursor()

    def note_drops(self, *in_cold: Drop) -> None:
        """These are lost from cold, or something was from memory: the cursor should tell why, as soon as it can."""
        for drop in in_cold:
            self._parts.drops.add(drop)
            self._parts.counters.drop(drop.cause, drop.count)
            self.pending = max(self.pending - drop.count, 0)
        self._drops_changed = True

    def acknowledged(self, epoch: Epoch, first: int, last: int, head: Record | None) -> None:
        """A range is about to be acknowledged; what lies below ``head``, the oldest in memory, is in cold."""
        parts = self._parts
        if head is not None and head.epoch == epoch:
            last = min(last, head.first_seq - 1)
        if first > last or (head is not None and epoch > head.epoch):
            return
        self.pending = max(self.pending - waiting(parts, epoch, first, last), 0)

    def probe(self, now_s: float) -> None:
        """Sync the cursor to see whether flash works again."""
        try:
            self.sync_cursor()
            self._is_probing = True
        except OSError as error:
            self._parts.retry.failed(CURSOR, error, now_s)

    def sync_cursor(self) -> None:
        """Begin to sync the cursor as it is now, unless that is under way. OSError."""
        parts = self._parts
        if parts.cursor.is_syncing:
            return
        directories = parts.shelf.held.hold()
        self._write_cursor()
        self._drop_is_written = self._dropping is not None
        parts.syncer.submit(SyncJob(name=CURSOR, directories=directories, files=(parts.cursor.begin_sync(),)))

    def _free(self, now_s: float) -> None:
        shelf, marks, safe = self._parts.shelf, self._parts.marks, self._parts.cursor.safe
        mark = self._parts.drops.through(marks.epoch, marks.seq)
        while shelf.segments and is_passed(shelf.segments, 0, mark):
            segment = shelf.segments[0]
            is_kept = self._keeps_segment and len(shelf.segments) == 1
            if self._parts.writer.holds(segment) or segment is self._dropping or is_kept:
                return
            if safe is None or not is_passed(shelf.segments, 0, self._parts.drops.through(safe.epoch, safe.seq)):
                self.sync_cursor()
                self._cursor_at_s = now_s
                return
            self._release(segment)
        if not shelf.segments:
            self.pending = 0

    def _release(self, segment: Segment) -> None:
        self._parts.writer.let_go(segment)
        self._parts.shelf.release(segment)

    def _drop_aged(self, now: Moment) -> None:
        segments = self._parts.shelf.segments
        if self._dropping is not None or not segments:
            return
        newest = segments[1].began if len(segments) > 1 else segments[0].newest
        age_ms = None if newest is None else newest.age_ms(now)
        if age_ms is not None and age_ms > self._max_age_ms:
            self.drop_oldest(GapCause.AGE)

    def _keep_cursor(self, now_s: float) -> None:
        if self._parts.cursor.is_syncing:
            return
        if self._dropping is not None and not self._drop_is_written:
            self.sync_cursor()
        elif self._drops_changed:
            self._write_cursor()
        elif self._parts.shelf.segments and now_s - self._cursor_at_s >= CURSOR_EVERY_S and _has_moved(self._parts):
            self._cursor_at_s = now_s
            self.sync_cursor()

    def _write_cursor(self) -> None:
        marks, drops = self._parts.marks, self._parts.drops
        drops.forget_through(marks.epoch, marks.seq)
        generation = self._parts.shelf.generation
        self._parts.cursor.write(
            CursorState(epoch=marks.epoch, seq=marks.seq, generation=generation, drops=tuple(drops))
        )
        self._drops_changed = False


def unacknowledged(marks: Marks, epoch: Epoch, first: int, last: int) -> int:
    """How many seqs of a range are not acknowledged."""
    return sum(end - begin + 1 for begin, end in marks.uncovered(epoch, first, last))


def waiting(parts: ColdParts, epoch: Epoch, first: int, last: int) -> int:
    """How many seqs of a range are neither acknowledged nor dropped; what a purge only noted is not dropped yet."""
    floor = parts.drops.floor
    if floor is not None and epoch <= floor.epoch:
        first = max(first, floor.seq + 1) if epoch == floor.epoch else last + 1
    others = Drops(drop for drop in parts.drops if drop.cause is not GapCause.PURGE)
    return sum(
        end - begin + 1 - sum(drop.last - drop.first + 1 for drop in others.within(epoch, begin, end))
        for begin, end in parts.marks.uncovered(epoch, first, last)
    )


def _contents(parts: ColdParts, segment: Segment, cause: GapCause) -> list[Drop]:
    found: list[Drop] = []
    try:
        data = read_file(parts.disk, segment.path, segment.end)
    except OSError:
        # It goes all the same: else a damaged segment would stop up the whole shelf.
        segment.is_suspect = True
        return between(parts, segment, cause)
    for header, _, _ in scan(data, generation=segment.generation):
        # What is acknowledged ahead of the mark is a part of the hole too: a power cut may take those marks away.
        if not parts.marks.is_passed(header.epoch, header.last_seq):
            found.append(
                Drop(
                    epoch=header.epoch,
                    first=header.first_seq,
                    last=header.last_seq,
                    count=waiting(parts, header.epoch, header.first_seq, header.last_seq),
                    cause=cause,
                    from_ms=header.began.wall_ms,
                    to_ms=header.began.wall_ms + header.span_ms,
                )
            )
    return found


def between(parts: ColdParts, segment: Segment, cause: GapCause) -> list[Drop]:
    """What a segment held, as far as its neighbours tell."""
    segments, first = parts.shelf.segments, segment.first
    following = segments[segments.index(segment) + 1 :]
    last = segment.last
    if last is None and following and following[0].first is not None:
        last = Position(epoch=following[0].first.epoch, seq=Seq(following[0].first.seq - 1))
    if first is None or last is None or last.epoch != first.epoch:
        return []
    began = 0 if segment.began is None else segment.began.wall_ms
    newest = began if segment.newest is None else segment.newest.wall_ms
    count = waiting(parts, first.epoch, first.seq, last.seq)
    drop = Drop(
        epoch=first.epoch, first=first.seq, last=last.seq, count=count, cause=cause, from_ms=began, to_ms=newest
    )
    return [drop] if count else []


def _has_moved(parts: ColdParts) -> bool:
    """Whether more is acknowledged than the cursor on flash says."""
    safe, marks = parts.cursor.safe, parts.marks
    return safe is None or (safe.epoch, safe.seq) != (marks.epoch, marks.seq)
