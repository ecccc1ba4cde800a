"""A segment: a file of fixed length, filled with zeros once, written from the front, and used again under a new name.

Its generation stands in its name and in each of its records, and is never used twice, so what is left in it from
an earlier life is never taken for a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.files.disk import UPDATE, Disk, read_file, write_all
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Header, Record, header_at, scan

_PEEK: Final = 16 * 1024
_WHOLE: Final = 256 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Segment:
    """What is known of one segment. ``first`` is None while it is empty, ``last`` while nobody has looked.

    ``began`` is when its oldest event was appended, ``newest`` when its newest one was, where that is known.
    Up to ``end`` it can be read. What stands below ``safe_*`` was synced; after a failed sync the rest is given up.
    """

    generation: int
    path: Path
    size: int
    first: Position | None = None
    last: Position | None = None
    began: Moment | None = None
    newest: Moment | None = None
    ticket: int = 0
    end: int = 0
    safe_end: int = 0
    safe_last: Position | None = None
    safe_ticket: int = 0
    is_suspect: bool = False
    descriptor: int | None = None

    def fits(self, count: int) -> bool:
        """Whether there is room for so many more bytes."""
        return self.end + count <= self.size

    def reopen(self, disk: Disk) -> int:
        """Make it writable again, if it is not; gives the descriptor. OSError."""
        if self.descriptor is None:
            self.descriptor = disk.open(self.path, UPDATE)
        return self.descriptor

    def close(self, disk: Disk) -> None:
        """Let the descriptor go."""
        if self.descriptor is not None:
            disk.close(self.descriptor)
            self.descriptor = None

    def end_with(self, header: Header, end: int) -> None:
        """This is its last record, which ends there, and what is known to be on the medium."""
        self.last = self.safe_last = last_of(header)
        self.newest = header.began.later(header.span_ms)
        self.end = self.safe_end = end
        self.safe_ticket = header.ticket + header.count

    def write_again(self, disk: Disk) -> None:
        """Write it over by itself: after a failed sync only that makes a later one prove anything. OSError."""
        data = read_file(disk, self.path, self.end)
        try:
            write_all(disk, self.reopen(disk), data, 0)
        finally:
            self.close(disk)

    def give_up(self) -> None:
        """Go back to what is known to be on the medium, and never be used again."""
        self.is_suspect = True
        self.end, self.last = self.safe_end, self.safe_last
        if self.last is None:
            self.first = None


def first_header(disk: Disk, segment: Segment) -> Header | None:
    """The first valid record's header; None where there is none. Reads little when the file is sound."""
    start = read_file(disk, segment.path, _PEEK)
    header = header_at(start, 0, generation=segment.generation)
    if header is None:
        whole = read_file(disk, segment.path, _WHOLE)
        header = next((found for found, _, _ in scan(whole, generation=segment.generation)), None)
    return header


def last_header(disk: Disk, segment: Segment, before: Position | None = None) -> tuple[Header, int] | None:
    """The last valid record's header (of those that end before a position), and where it ends; None for none."""
    whole = read_file(disk, segment.path, _WHOLE)
    last: tuple[Header, int] | None = None
    for header, at, _ in scan(whole, generation=segment.generation):
        if before is None or last_of(header) < before:
            last = (header, at + header.extent)
    return last


def headers(disk: Disk, segment: Segment) -> list[Header]:
    """The headers of all valid records, in order. OSError where the medium does not give them."""
    whole = read_file(disk, segment.path, _WHOLE)
    return [header for header, _, _ in scan(whole, generation=segment.generation)]


def first_of(header: Header | Record) -> Position:
    """The position of a record's first event."""
    return Position(epoch=header.epoch, seq=Seq(header.first_seq))


def last_of(header: Header) -> Position:
    """The position of a record's last event."""
    return Position(epoch=header.epoch, seq=Seq(header.last_seq))
