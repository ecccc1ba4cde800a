"""The hot journal: a file in memory that outlives the process. It keeps what is not in cold, and proves the last seq.

It begins with a checked header, and goes on with records as in cold (not deflated, generation 0), one for each
append, and records of acknowledgements. It is emptied and rewritten by replacing it, never in place, so that at each
instant it says which seq comes next. Each time, what was dropped and is not yet announced is noted in it; what is
dropped from memory afterwards is still in it. The header, little-endian::

    0   magic "SGH" | version u8 (1) | crc32 over magic, version and what follows
    8   boot id, 16 bytes (zeros: unknown) | directory id, 16 bytes
    40  epoch: ordinal u32, random u32 | next seq u64 when this file was begun

Every later version keeps these 56 bytes and their checksum, so that a flipped bit is not taken for a newer version.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.disk import CREATE, CREATE_APPEND, Disk, append_all, gone, is_there, read_file
from sensor_gateway.outbox.files.notes import drops_of, frame_drops, frame_mark, ranges_of
from sensor_gateway.outbox.files.record import (
    Header,
    Record,
    bodies_of,
    frame,
    plain_body,
    record_of,
    scan,
)
from sensor_gateway.outbox.marks import Marks

NAME: Final = "hot.log"
_MAGIC: Final = b"SGH"
_VERSION: Final = 1
_FIELDS: Final = struct.Struct("<16s16sIIQ")
HOT_HEADER_SIZE: Final = 8 + _FIELDS.size
_READ_LIMIT: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HotHeader:
    """Who wrote the journal, in which boot, and which seq comes next."""

    boot: bytes
    directory: bytes
    epoch: Epoch
    next_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HotMark:
    """The newest acknowledgements found in a journal."""

    epoch: Epoch
    seq: int
    ranges: tuple[tuple[Epoch, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HotContents:
    """What a journal held. ``next_seq`` is None unless every byte of it proves which seq comes next.

    ``digest`` tells it from every other one; empty where there is none.
    """

    header: HotHeader | None = None
    is_newer: bool = False
    records: tuple[Record, ...] = ()
    mark: HotMark | None = None
    drops: tuple[Drop, ...] = ()
    next_seq: int | None = None
    damage: tuple[bytes, ...] = field(default=(), repr=False)
    digest: str = ""


def encode_header(header: HotHeader) -> bytes:
    """The bytes at the beginning of a journal."""
    epoch = header.epoch
    fields = _FIELDS.pack(header.boot, header.directory, epoch.ordinal, epoch.random, header.next_seq)
    start = _MAGIC + bytes((_VERSION,))
    return start + zlib.crc32(fields, zlib.crc32(start)).to_bytes(4, "little") + fields


def decode_header(data: bytes) -> HotHeader | None:
    """The header at the beginning of a journal; None unless it is whole and of this version."""
    if _version_of(data) != _VERSION:
        return None
    fields = data[8:HOT_HEADER_SIZE]
    boot, directory, ordinal, random, next_seq = _FIELDS.unpack(fields)
    return HotHeader(boot=boot, directory=directory, epoch=Epoch(ordinal=ordinal, random=random), next_seq=next_seq)


def decode(data: bytes) -> HotContents:
    """Everything valid in a journal, however damaged it is."""
    if _version_of(data) > _VERSION:
        return HotContents(is_newer=True)
    header = decode_header(data)
    start = HOT_HEADER_SIZE if header else 0
    records: list[Record] = []
    mark: HotMark | None = None
    drops: tuple[Drop, ...] = ()
    damage: list[bytes] = []
    end = start
    for found, at, skipped in scan(data, generation=0, start=start):
        if skipped:
            damage.append(data[at - skipped : at])
        end = at + found.extent
        if found.is_mark:
            mark = _mark_of(found, data, at)
        elif found.is_drops:
            drops = drops_of(found, data, at)
        elif (bodies := bodies_of(found, data, at)) is not None:
            records.append(record_of(found, bodies))
        else:
            damage.append(data[at:end])
    if end < len(data):
        damage.append(data[end:])
    next_seq = _proven(header, records, mark) if header and not damage else None
    return HotContents(
        header=header,
        records=tuple(records),
        mark=mark,
        drops=drops,
        next_seq=next_seq,
        damage=tuple(damage) if data else (),
    )


def read_hot(disk: Disk, path: Path) -> HotContents:
    """What the journal at this path holds; nothing where there is none. OSError where it cannot be read."""
    try:
        data = read_file(disk, path, _READ_LIMIT)
    except FileNotFoundError:
        return HotContents()
    return replace(decode(data), digest=sha256(data).hexdigest()[:32])


def unacknowledged_in(contents: HotContents) -> list[bytes]:
    """The events of a journal that it did not know as acknowledged itself."""
    return [body for _, body in unacknowledged_from(contents)]


def unacknowledged_from(contents: HotContents) -> Iterator[tuple[Position, bytes]]:
    """The same, each with its position."""
    mark = contents.mark
    marks = None if mark is None else Marks(mark.epoch, mark.seq, mark.ranges)
    for record in contents.records:
        for seq, body in enumerate(record.bodies, record.first_seq):
            if marks is None or not marks.covers(record.epoch, seq):
                yield Position(epoch=record.epoch, seq=Seq(seq)), body


class HotJournal:
    """The journal as it is written. ``is_open`` says whether it can take and prove anything."""

    def __init__(self, disk: Disk, path: Path) -> None:
        """Nothing is touched before ``begin``."""
        self._disk = disk
        self._path = path
        self._descriptor: int | None = None
        self.size = 0

    def read(self) -> HotContents:
        """What stands in the file now. OSError where it cannot be read."""
        return read_hot(self._disk, self._path)

    @property
    def is_open(self) -> bool:
        """Whether the journal is whole and can be appended to."""
        return self._descriptor is not None

    def check(self) -> None:
        """OSError where the file is not what was written: somebody removed it, or cut it short."""
        descriptor = self._descriptor
        if descriptor is not None and not is_there(self._disk, self._path, descriptor=descriptor, size=self.size):
            raise gone(self._path)

    def begin(self, header: HotHeader, records: Iterable[Record], mark: HotMark, drops: Sequence[Drop]) -> None:
        """Replace the journal by one that holds these. OSError leaves the one before as it was."""
        beside = self._path.with_name(f"{self._path.name}.new")
        parts = [encode_header(header), *(frame(record, plain_body(record.bodies)) for record in records)]
        parts += [frame_mark(mark.epoch, mark.seq, mark.ranges), frame_drops(drops)]
        descriptor = self._disk.open(beside, CREATE_APPEND)
        try:
            size = 0
            for part in parts:
                append_all(self._disk, descriptor, part)
                size += len(part)
            self._disk.replace(beside, self._path)
        except OSError:
            self._disk.close(descriptor)
            self._disk.unlink(beside)
            raise
        self.close()
        self._descriptor, self.size = descriptor, size

    def append(self, data: bytes) -> bool:
        """Add records; False where the journal is not open.

        After an OSError it proves nothing: ``invalidate`` it before a seq is given out.
        """
        descriptor = self._descriptor
        if descriptor is None:
            return False
        size = len(data)
        taken = self._disk.write(descriptor, data)
        self.size += size
        if taken < size:
            append_all(self._disk, descriptor, data[taken:])
        return True

    def invalidate(self) -> None:
        """Make sure that no restart goes on from this journal. OSError where not even that can be done."""
        self.close()
        try:
            self._disk.unlink(self._path)
        except OSError:
            self._disk.close(self._disk.open(self._path, CREATE))

    def close(self) -> None:
        """Let the file go; what is in it stays."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None


def _version_of(data: bytes) -> int:
    """The version of a whole header; 0 where there is none."""
    start, fields = data[:4], data[8:HOT_HEADER_SIZE]
    is_whole = start[:3] == _MAGIC and len(fields) == _FIELDS.size
    if not is_whole or zlib.crc32(fields, zlib.crc32(start)) != int.from_bytes(data[4:8], "little"):
        return 0
    return start[3]


def _mark_of(header: Header, data: bytes, at: int) -> HotMark:
    return HotMark(epoch=header.epoch, seq=header.first_seq, ranges=ranges_of(header, data, at))


def _proven(header: HotHeader, records: Iterable[Record], mark: HotMark | None) -> int | None:
    next_seq = header.next_seq
    for record in records:
        if record.epoch == header.epoch and record.last_seq >= header.next_seq:
            if record.first_seq != next_seq:
                return None
            next_seq = record.last_seq + 1
    is_known = mark is None or (mark.epoch, mark.seq) < (header.epoch, next_seq)
    return next_seq if is_known else None
