"""Writes records into the newest segment, in the one order that survives a power cut.

A segment's name is synced before anything is written under it; what was written counts once its own sync has
answered; after a failed sync (or write) the segment is given up, and what was not synced goes into another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.files.disk import Disk, gone, is_there, write_all
from sensor_gateway.outbox.files.record import HEADER_SIZE, MAGIC, Record, deflated_body, frame, joined, scan
from sensor_gateway.outbox.files.segment import Segment
from sensor_gateway.outbox.files.shelf import Room, Shelf
from sensor_gateway.outbox.files.syncer import Syncer, SyncJob

PREPARE: Final = "prepare"
FLUSH: Final = "flush"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """How far a segment was written when its sync began."""

    segment: Segment
    end: int
    last: Position | None
    ticket: int


class SegmentWriter:
    """Puts records on the shelf. Whoever owns it hands the syncer's answers in."""

    def __init__(self, disk: Disk, shelf: Shelf, syncer: Syncer, *, has_copies: bool) -> None:
        """Go on in the newest segment, if there is room in it. ``has_copies``: hot keeps what is not safe here."""
        self._disk = disk
        self._shelf = shelf
        self._syncer = syncer
        self._has_copies = has_copies
        self._current: Segment | None = None
        self._spare: Segment | None = None
        self._preparing: Segment | None = None
        self._unsynced: list[Segment] = []
        self._flushing: list[_Written] = []
        newest = shelf.segments[-1] if shelf.segments else None
        if newest is not None and newest.fits(HEADER_SIZE) and not newest.is_suspect:
            self._current = newest

    @property
    def is_flushing(self) -> bool:
        """Whether a sync of written records is under way."""
        return bool(self._flushing)

    @property
    def is_preparing(self) -> bool:
        """Whether the next segment is being made ready."""
        return self._preparing is not None

    @property
    def has_unsynced(self) -> bool:
        """Whether records were written that no sync covers yet."""
        return bool(self._unsynced)

    @property
    def is_half_full(self) -> bool:
        """Whether the next segment should be made ready, by those who cannot wait for it."""
        return self._current is None or self._current.end * 2 > self._current.size

    def holds(self, segment: Segment) -> bool:
        """Whether a segment is being synced, or has something that must be."""
        return segment in self._unsynced or any(written.segment is segment for written in self._flushing)

    def prepare(self) -> Room:
        """Make the next segment ready, unless one is; gives where it comes from, or why there is none. OSError."""
        if self._spare is not None or self._preparing is not None:
            return Room.FREE
        room = self._shelf.room()
        if room in {Room.FREE, Room.GROWTH}:
            directories = self._shelf.held.hold()
            segment = self._shelf.take()
            self._preparing = segment
            self._syncer.submit(SyncJob(name=PREPARE, directories=directories, files=_descriptors([segment])))
        return room

    def prepared(self, error: OSError | None) -> None:
        """The syncer's answer about the segment that was made ready."""
        segment, self._preparing = self._preparing, None
        if segment is None:
            return
        if error is None:
            self._spare = segment
            return
        segment.is_suspect = True
        with suppress(OSError):
            self._shelf.release(segment)

    def write(self, records: Sequence[Record]) -> bool:
        """Write records as one; False where a segment must be made ready first. OSError: all unsynced is given up."""
        flags, body = deflated_body([body for record in records for body in record.bodies])
        segment = self._segment_for(HEADER_SIZE + len(body))
        if segment is None:
            return False
        record = joined(records)
        data = frame(record, body, flags=flags, generation=segment.generation, ticket=self._shelf.ticket)
        try:
            write_all(self._disk, segment.reopen(self._disk), data, segment.end)
        except OSError:
            self._give_up()
            raise
        segment.end += len(data)
        segment.last = Position(epoch=record.epoch, seq=Seq(record.last_seq))
        segment.newest = record.began.later(record.span_ms)
        if segment.first is None:
            segment.first, segment.began = (
                Position(epoch=record.epoch, seq=Seq(record.first_seq)),
                record.began,
            )
        self._shelf.ticket += len(record.bodies)
        if segment not in self._unsynced:
            self._unsynced.append(segment)
        return True

    def flush(self) -> None:
        """Begin to sync what was written, unless a sync is under way."""
        if self._flushing or not self._unsynced:
            return
        ticket = self._shelf.ticket
        self._flushing = [
            _Written(segment=segment, end=segment.end, last=segment.last, ticket=ticket) for segment in self._unsynced
        ]
        self._syncer.submit(SyncJob(name=FLUSH, files=_descriptors(self._unsynced)))
        self._unsynced = []

    def flushed(self, error: OSError | None) -> Position | OSError:
        """The syncer's answer about written records: through where all is safe, or why all was given up.

        What is safe in a file that somebody removed meanwhile is not: it is written again into another one.
        """
        flushing, self._flushing = self._flushing, []
        last = flushing[-1].last if flushing else None
        lost = next((written.segment.path for written in flushing if not _is_there(self._disk, written)), None)
        if error is not None or lost is not None or last is None:
            synced = [written.segment for written in flushing]
            self._unsynced = synced + [segment for segment in self._unsynced if segment not in synced]
            self._give_up()
            return error or gone(lost or self._shelf.directory)
        for written in flushing:
            segment = written.segment
            segment.safe_end, segment.safe_last, segment.safe_ticket = written.end, written.last, written.ticket
            if segment is not self._current and segment not in self._unsynced:
                segment.close(self._disk)
        return last

    def let_go(self, segment: Segment) -> None:
        """This segment is about to be released: it is not written any more."""
        if segment is self._current:
            self._current = None

    def abandon(self) -> None:
        """Give back the segments that were made ready and never written."""
        for segment in (self._spare, self._preparing):
            if segment is not None:
                with suppress(OSError):
                    self._shelf.release(segment)
        self._spare = self._preparing = None

    def _segment_for(self, count: int) -> Segment | None:
        if self._current is not None and self._current.fits(count):
            return self._current
        if self._spare is None:
            return None
        if self._current is not None and not self.holds(self._current):
            self._current.close(self._disk)
        self._current, self._spare = self._spare, None
        self._shelf.put(self._current)
        return self._current

    def _give_up(self) -> None:
        """Go back to the last good sync. What is being synced just now is judged when its answer comes."""
        undecided = {written.segment.generation: written for written in self._flushing}
        lost = [*self._unsynced]
        if self._current is not None and self._current not in lost:
            lost.append(self._current)
        self._unsynced, self._current = [], None
        for segment in lost:
            written = undecided.get(segment.generation)
            if written is None:
                self._shelf.ticket = min(self._shelf.ticket, segment.safe_ticket)
                self._lose(segment)
            else:
                self._shelf.ticket = min(self._shelf.ticket, written.ticket)
                self._wipe(segment, written.end)
                segment.end, segment.last, segment.is_suspect = written.end, written.last, True

    def _lose(self, segment: Segment) -> None:
        self._wipe(segment, segment.safe_end)
        segment.give_up()
        segment.close(self._disk)
        if segment.first is None:
            with suppress(OSError):
                self._shelf.release(segment)

    def _wipe(self, segment: Segment, start: int) -> None:
        """After a failed sync the kernel shows what it never wrote: a start after a kill must not take it for safe.

        The last record goes first, so that a kill in between leaves no hole.
        """
        if not self._has_copies:
            return
        with suppress(OSError):
            descriptor = segment.reopen(self._disk)
            data = self._disk.read_at(descriptor, segment.end - start, start)
            for at in [at for _, at, _ in scan(data, generation=segment.generation)][::-1]:
                write_all(self._disk, descriptor, bytes(len(MAGIC)), start + at)


def _is_there(disk: Disk, written: _Written) -> bool:
    """Whether what was written has a name yet."""
    segment = written.segment
    return is_there(disk, segment.path, descriptor=segment.descriptor, size=written.end)


def _descriptors(segments: Sequence[Segment]) -> tuple[int, ...]:
    return tuple(segment.descriptor for segment in segments if segment.descriptor is not None)
