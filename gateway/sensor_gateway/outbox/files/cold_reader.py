"""Reads the segments from front to back, one record at a time, and never more than one segment in memory.

Damage never raises: it is skipped to the next valid record, counted, and kept in the quarantine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.files.disk import READ, Disk
from sensor_gateway.outbox.files.record import MAGIC, Record, bodies_of, find, record_of
from sensor_gateway.outbox.files.segment import Segment, first_of
from sensor_gateway.outbox.files.shelf import Shelf, index_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A record, and whether something unreadable lay right before it."""

    record: Record
    is_after_damage: bool


class ColdReader:
    """Finds records by position. ``report`` gets each damaged piece: generation, place and bytes, perhaps again.

    ``ended_in_damage`` says, where nothing was found, whether something unreadable was.
    """

    def __init__(self, disk: Disk, shelf: Shelf, report: Callable[[int, int, bytes], None]) -> None:
        """Nothing is read before it is asked for."""
        self._disk = disk
        self._shelf = shelf
        self._report = report
        self._generation = -1
        self._base = 0
        self._data = b""
        self._at = 0
        self._found: Found | None = None
        self.ended_in_damage = False

    def record_after(self, epoch: Epoch, seq: int) -> Found | None:
        """The first record with an event after a position; None where cold has none. OSError where it cannot be read.

        Asked with the last position of the record before, it goes on from there; else it looks for the place.
        """
        if not self._shelf.segments:
            self.forget()
            return None
        found = self._found
        index = self._index()
        if found is not None and index is not None and found.record.epoch == epoch:
            if found.record.first_seq <= seq + 1 and seq < found.record.last_seq:
                return found
            if seq == found.record.last_seq:
                return self._search(index, epoch, seq, is_after_damage=False)
        index = index_for(self._shelf.segments, Position(epoch=epoch, seq=Seq(seq)))
        self._enter(self._shelf.segments[index])
        return self._search(index, epoch, seq, is_after_damage=False)

    def forget(self) -> None:
        """Let go of what was read: the segments have changed."""
        self._generation, self._data, self._base, self._at, self._found = -1, b"", 0, 0, None

    def _index(self) -> int | None:
        for index, segment in enumerate(self._shelf.segments):
            if segment.generation == self._generation:
                return index
        return None

    def _search(self, index: int, epoch: Epoch, seq: int, *, is_after_damage: bool) -> Found | None:
        while True:
            segment = self._shelf.segments[index]
            record, skipped = self._next_in(segment, epoch, seq, _begin_of_next(self._shelf.segments, index))
            is_after_damage = is_after_damage or skipped
            if record is not None:
                self._found = Found(record=record, is_after_damage=is_after_damage)
                return self._found
            if index + 1 == len(self._shelf.segments):
                self.ended_in_damage = is_after_damage
                return None
            is_after_damage = self._ends_in_damage(segment) or is_after_damage
            index += 1
            self._enter(self._shelf.segments[index])

    def _next_in(
        self, segment: Segment, epoch: Epoch, seq: int, begin_of_next: Position | None
    ) -> tuple[Record | None, bool]:
        """The next record of this segment that has an event after the position, and whether damage was skipped.

        From where the next segment begins, what is left of a failed sync is written again there.
        """
        self._extend(segment)
        skipped = False
        while True:
            header, at = find(self._data, self._at, generation=segment.generation)
            if header is None or (begin_of_next is not None and first_of(header) >= begin_of_next):
                return None, skipped
            if at > self._at:
                skipped = True
                self._report(segment.generation, self._base + self._at, self._data[self._at : at])
            self._at = at + header.extent
            if (header.epoch, header.last_seq) <= (epoch, seq):
                continue
            bodies = bodies_of(header, self._data, at)
            if bodies is not None:
                return record_of(header, bodies), skipped
            skipped = True
            self._report(segment.generation, self._base + at, self._data[at : self._at])

    def _enter(self, segment: Segment) -> None:
        self._generation, self._data, self._base, self._at = segment.generation, b"", 0, 0
        self._found = None

    def _extend(self, segment: Segment) -> None:
        """Read what has become readable since the last time."""
        loaded = self._base + len(self._data)
        if loaded >= segment.end:
            return
        start = self._base + self._at
        descriptor = self._disk.open(segment.path, READ)
        try:
            self._data = self._disk.read_at(descriptor, segment.end - start, start)
        finally:
            self._disk.close(descriptor)
        self._base, self._at = start, 0

    def _ends_in_damage(self, segment: Segment) -> bool:
        """Whether a record of this segment begins where the valid ones end."""
        rest = self._data[self._at : self._at + 24]
        is_own = rest.startswith(MAGIC) and rest[16:24] == segment.generation.to_bytes(8, "little")
        if is_own:
            self._report(segment.generation, self._base + self._at, self._data[self._at :])
        return is_own


def _begin_of_next(segments: Sequence[Segment], index: int) -> Position | None:
    return segments[index + 1].first if index + 1 < len(segments) else None
