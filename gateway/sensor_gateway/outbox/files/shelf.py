"""The directory of segments: which there are, in order, which are free, and whether there may be one more.

It never decides to lose anything: others say which segment may go.
"""

from __future__ import annotations

import errno
import re
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from sensor_gateway.model.position import Position
from sensor_gateway.outbox.files.disk import CREATE_NEW, UPDATE, Disk, is_there, write_all
from sensor_gateway.outbox.files.held_directory import HeldDirectory
from sensor_gateway.outbox.files.segment import Segment, first_header, first_of, last_header

FREE_KEPT: Final = 2
_NAME: Final = re.compile(r"(\d{16})\.(seg|free)")


class Room(Enum):
    """Where the next segment would come from, or why there is none."""

    FREE = "a segment that was used before"
    GROWTH = "a new file"
    FULL = "max_size is reached"
    FLOOR = "keep_free is reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfLimits:
    """Sizes in bytes: of a segment, of all of them, and of what must stay free on the file system."""

    segment_size: int
    max_size: int
    keep_free: int


class Shelf:
    """The segments of one directory, oldest first. ``ticket`` counts the events ever written to them.

    ``unreadable`` counts the files that the medium does not give back.
    """

    def __init__(self, disk: Disk, directory: Path, limits: ShelfLimits) -> None:
        """Nothing is touched before ``load``."""
        self._disk = disk
        self._limits = limits
        self._free: list[int] = []
        self._taken = 0
        self._given_up: list[Segment] = []
        self.directory = directory
        self.held = HeldDirectory(disk, directory)
        self.segments: list[Segment] = []
        self.generation = 0
        self.ticket = 0
        self.unreadable = 0

    @property
    def last(self) -> Position | None:
        """The newest position in cold."""
        return next((segment.last for segment in reversed(self.segments) if segment.last), None)

    def load(self, generation: int) -> None:
        """Look at what is there. ``generation`` is the highest that others remember. OSError where that fails."""
        self.generation = generation
        try:
            self._disk.make_directory(self.directory)
        except OSError:
            if is_there(self._disk, self.directory):
                raise
            return  # Nothing is there that could be hurt: it is made when it is needed.
        found: list[int] = []
        for name in self._disk.names(self.directory):
            match = _NAME.fullmatch(name)
            if match:
                number = int(match[1])
                self.generation = max(self.generation, number)
                (found if match[2] == "seg" else self._free).append(number)
        size = self._limits.segment_size
        self._free = [number for number in self._free if _is_of_use(self._disk, self._path(number, "free"), size)]
        for number in found:
            self._adopt(number)
        self._discard_superseded()
        self._look_at_the_last()

    def room(self) -> Room:
        """Where the next segment would come from. OSError where the file system does not say."""
        self.held.hold()
        if self._free:
            return Room.FREE
        limits = self._limits
        allowed = limits.max_size // limits.segment_size - len(self.segments) - self._taken
        while self._given_up and len(self._given_up) >= allowed:
            self._disk.unlink(self._given_up.pop().path)
        if allowed < 1:
            return Room.FULL
        if self._disk.free_bytes(self.directory) - limits.segment_size < limits.keep_free:
            return Room.FLOOR
        return Room.GROWTH

    def take(self) -> Segment:
        """Make the next segment from a free one, or create it. Its name must be synced before it is written."""
        self.generation += 1
        path = self._path(self.generation, "seg")
        size = self._limits.segment_size
        descriptor = self._recycle(path)
        if descriptor is None:
            descriptor = _create(self._disk, path, size)
        self._taken += 1
        return Segment(generation=self.generation, path=path, size=size, descriptor=descriptor)

    def put(self, segment: Segment) -> None:
        """The segment that was taken becomes the newest one."""
        self._taken -= 1
        segment.ticket = segment.safe_ticket = self.ticket
        self.segments.append(segment)

    def release(self, segment: Segment) -> None:
        """Nothing in this segment is needed any more. OSError leaves a file that the next start releases."""
        segment.close(self._disk)
        if segment in self.segments:
            self.segments.remove(segment)
        else:
            self._taken -= 1
        size = self._limits.segment_size
        is_of_use = segment.size == size and not segment.is_suspect and len(self._free) < FREE_KEPT
        if is_of_use and is_there(self._disk, segment.path, size=size):
            self._disk.replace(segment.path, self._path(segment.generation, "free"))
            self._free.append(segment.generation)
        else:
            self._disk.unlink(segment.path)

    def give_up_from(self, begin: Position) -> None:
        """From the record with this position on, nothing here counts as written, though it may be read. OSError.

        A segment of which nothing is left stays as a file, until the room is wanted or the next start: it may be safe
        all the same.
        """
        # The segment before may become the last one, of which more has to be known.
        newest = self.segments[max(index_for(self.segments, begin) - 1, 0) :]
        for segment, found in [(segment, last_header(self._disk, segment, begin)) for segment in newest]:
            segment.is_suspect = True
            if found is None:
                self.segments.remove(segment)
                self._given_up.append(segment)
                self.ticket = min(self.ticket, segment.ticket)
            else:
                segment.end_with(*found)
                self.ticket = segment.safe_ticket

    def close_all(self) -> None:
        """Let all descriptors go."""
        for segment in self.segments:
            segment.close(self._disk)
        self.held.close()

    def _recycle(self, path: Path) -> int | None:
        while self._free:
            free = self._path(self._free[-1], "free")
            try:
                descriptor = self._disk.open(free, UPDATE)
            except FileNotFoundError:
                self._free.pop()
                continue
            try:
                self._disk.replace(free, path)
            except OSError:
                self._disk.close(descriptor)
                raise
            self._free.pop()
            return descriptor
        return None

    def _adopt(self, generation: int) -> None:
        path = self._path(generation, "seg")
        try:
            segment = Segment(generation=generation, path=path, size=self._disk.stat(path).st_size)
            header = first_header(self._disk, segment)
            if header is None:
                # Taken and never written, or lost altogether.
                self._taken += 1
                self.release(segment)
                return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # The medium is damaged there. The file is left alone, and what it held is a hole, which is announced.
            self.unreadable += 1
            return
        segment.first, segment.ticket, segment.began = first_of(header), header.ticket, header.began
        segment.end = segment.safe_end = segment.size
        self.segments.append(segment)

    def _discard_superseded(self) -> None:
        """What is left of a segment after a failed sync, where a later one begins with it, or before it."""
        begin: Position | None = None
        for segment in reversed([*self.segments]):
            if begin is not None and segment.first is not None and segment.first >= begin:
                segment.is_suspect = True
                with suppress(OSError):
                    self.release(segment)
            else:
                begin = segment.first

    def _look_at_the_last(self) -> None:
        if not self.segments:
            return
        segment = self.segments[-1]
        found = last_header(self._disk, segment)
        if found is None:
            raise OSError(f"{segment.path} changed while it was read")
        segment.end_with(*found)
        self.ticket = segment.safe_ticket

    def _path(self, generation: int, ending: str) -> Path:
        return self.directory / f"{generation:016d}.{ending}"


def index_for(segments: Sequence[Segment], position: Position) -> int:
    """Which of the segments holds this position, if any does."""
    return max(bisect_right(segments, position, key=_first) - 1, 0)


def is_passed(segments: Sequence[Segment], index: int, mark: Position) -> bool:
    """Whether everything in a segment lies at a mark or below it (seq 0 of an epoch: below all of it)."""
    segment = segments[index]
    if segment.last is not None:
        return segment.last <= mark
    following = segments[index + 1].first if index + 1 < len(segments) else None
    if following is None:
        return segment.first is None and index + 1 == len(segments)
    return following <= mark or (following.epoch == mark.epoch and mark.seq + 1 == following.seq)


def _create(disk: Disk, path: Path, size: int) -> int:
    descriptor = disk.open(path, CREATE_NEW)
    try:
        write_all(disk, descriptor, bytes(size), 0)
    except OSError:
        disk.close(descriptor)
        disk.unlink(path)
        raise
    return descriptor


def _is_of_use(disk: Disk, path: Path, size: int) -> bool:
    """Whether a free file has the size of a segment; one of another size goes."""
    try:
        if disk.stat(path).st_size == size:
            return True
        disk.unlink(path)
    except OSError:
        pass
    return False


def _first(segment: Segment) -> Position:
    if segment.first is None:
        raise ValueError("an empty segment has no place among the others")
    return segment.first
