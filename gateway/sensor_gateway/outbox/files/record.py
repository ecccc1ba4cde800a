"""The record: how several events of one epoch lie in a journal or a segment. Pure bytes, and final.

All numbers are little-endian::

    0   magic "SGW1"
    4   crc32 over magic, the fields below and the body
    8   version u8 (1) | flags u8 | events u16 | length of the body u32
    16  generation of the segment u64 (0 in the hot journal)
    24  epoch: ordinal u32, random u32 | seq of the first event u64
    40  when the first event was appended: milliseconds since boot u64, wall clock in milliseconds i64
    56  span u32: how much later the last one was, in milliseconds | boot u32 (first 8 digits of the boot id)
    64  events refused before the first one u32, between these wall clock times: i64, i64
    84  ticket u64: events written to cold before this record, ever
    92  body: per event its length u32 and its JSON; deflated where the flag says so

A flag MARK or DROPS makes the body a note of the hot journal's instead (see notes).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from sensor_gateway.model.light_value import light_value
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.files.moment import Moment

MAGIC: Final = b"SGW1"
VERSION: Final = 1
DEFLATED: Final = 1
MARK: Final = 2
UNSYNCED: Final = 4
DROPS: Final = 8
_START: Final = struct.Struct("<4sI")
_FIELDS: Final = struct.Struct("<BBHIQIIQQqIIIqqQ")
_SEED: Final = zlib.crc32(MAGIC)
HEADER_SIZE: Final = _START.size + _FIELDS.size
LENGTH_SIZE: Final = 4
_U32: Final = 0xFFFFFFFF
_INFLATED_LIMIT: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Events that found no room and never had a seq: how many, and between which wall clock times."""

    count: int
    from_ms: int
    to_ms: int


@light_value()
class Record:
    """Some events in a row, appended from ``began`` on. ``size`` is what they take in the hot journal."""

    epoch: Epoch
    first_seq: int
    bodies: tuple[bytes, ...]
    size: int
    began: Moment
    span_ms: int = 0
    refused: Refused | None = None

    @property
    def last_seq(self) -> int:
        """The seq of its last event."""
        return self.first_seq + len(self.bodies) - 1


def framed_size(bodies: Sequence[bytes]) -> int:
    """What a record of these events takes in the hot journal."""
    if len(bodies) == 1:
        return HEADER_SIZE + LENGTH_SIZE + len(bodies[0])
    return HEADER_SIZE + LENGTH_SIZE * len(bodies) + sum(map(len, bodies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a valid record says of itself, without its events."""

    flags: int
    count: int
    length: int
    generation: int
    epoch: Epoch
    first_seq: int
    began: Moment
    span_ms: int
    refused: Refused | None
    ticket: int

    @property
    def last_seq(self) -> int:
        """The seq of its last event."""
        return self.first_seq + self.count - 1

    @property
    def extent(self) -> int:
        """How many bytes header and body take."""
        return HEADER_SIZE + self.length

    @property
    def is_mark(self) -> bool:
        """Whether it holds acknowledgements and no events."""
        return bool(self.flags & MARK)

    @property
    def is_drops(self) -> bool:
        """Whether it holds drops and no events."""
        return bool(self.flags & DROPS)


def joined(records: Sequence[Record]) -> Record:
    """Several records in a row as one. Only the first may have refused events before it."""
    first, last = records[0], records[-1]
    if len(records) == 1:
        return first
    return Record(
        epoch=first.epoch,
        first_seq=first.first_seq,
        bodies=tuple(chain.from_iterable(record.bodies for record in records)),
        size=sum(record.size for record in records),
        began=first.began,
        span_ms=min(max(last.began.uptime_ms + last.span_ms - first.began.uptime_ms, 0), _U32),
        refused=first.refused,
    )


def plain_body(bodies: Sequence[bytes]) -> bytes:
    """Events one behind the other, each with its length before it."""
    if len(bodies) == 1:
        return len(bodies[0]).to_bytes(LENGTH_SIZE, "little") + bodies[0]
    parts: list[bytes] = []
    for body in bodies:
        parts += (len(body).to_bytes(LENGTH_SIZE, "little"), body)
    return b"".join(parts)


def deflated_body(bodies: Sequence[bytes]) -> tuple[int, bytes]:
    """The flag and the body, deflated where that is shorter."""
    plain = plain_body(bodies)
    short = zlib.compress(plain, 6)
    return (DEFLATED, short) if len(short) < len(plain) else (0, plain)


def frame(record: Record, body: bytes, *, flags: int = 0, generation: int = 0, ticket: int = 0) -> bytes:
    """The bytes of a record, around a body made from its events."""
    refused, began = record.refused, record.began
    fields = _FIELDS.pack(
        VERSION,
        flags | UNSYNCED if began.is_unsynced else flags,
        len(record.bodies),
        len(body),
        generation,
        record.epoch.ordinal,
        record.epoch.random,
        record.first_seq,
        began.uptime_ms,
        began.wall_ms,
        record.span_ms,
        began.boot,
        0 if refused is None else min(refused.count, _U32),
        0 if refused is None else refused.from_ms,
        0 if refused is None else refused.to_ms,
        ticket,
    )
    return _sealed(fields + body)


def frame_note(flag: int, body: bytes, epoch: Epoch, seq: int) -> bytes:
    """The bytes of a record that holds no events, but what its flag says."""
    fields = _FIELDS.pack(VERSION, flag, 0, len(body), 0, epoch.ordinal, epoch.random, seq, 0, 0, 0, 0, 0, 0, 0, 0)
    return _sealed(fields + body)


def _sealed(covered: bytes) -> bytes:
    """Fields and body, behind the magic and a checksum over all of it."""
    return _START.pack(MAGIC, zlib.crc32(covered, _SEED)) + covered


def header_at(data: bytes, at: int, *, generation: int) -> Header | None:
    """The header of the record in this place; None unless the whole record is valid and of this generation."""
    if not data.startswith(MAGIC, at) or len(data) - at < HEADER_SIZE:
        return None
    fields = _FIELDS.unpack_from(data, at + 8)
    if fields[0] != VERSION or fields[4] != generation or fields[3] > len(data) - at - HEADER_SIZE:
        return None
    covered = memoryview(data)[at + 8 : at + HEADER_SIZE + fields[3]]
    if zlib.crc32(covered, _SEED) != int.from_bytes(data[at + 4 : at + 8], "little"):
        return None
    refused = Refused(count=fields[12], from_ms=fields[13], to_ms=fields[14]) if fields[12] else None
    return Header(
        flags=fields[1],
        count=fields[2],
        length=fields[3],
        generation=fields[4],
        epoch=Epoch(ordinal=fields[5], random=fields[6]),
        first_seq=fields[7],
        began=Moment(
            boot=fields[11],
            uptime_ms=fields[8],
            wall_ms=fields[9],
            is_unsynced=bool(fields[1] & UNSYNCED),
        ),
        span_ms=fields[10],
        refused=refused,
        ticket=fields[15],
    )


def find(data: bytes, start: int, *, generation: int) -> tuple[Header | None, int]:
    """The next valid record at or after ``start``, and its place; (None, length of the data) when there is none."""
    at = start
    while (at := data.find(MAGIC, at)) >= 0:
        header = header_at(data, at, generation=generation)
        if header is not None:
            return header, at
        at += 1
    return None, len(data)


def scan(data: bytes, *, generation: int, start: int = 0) -> Iterator[tuple[Header, int, int]]:
    """Every valid record: its header, its place, and how many bytes had to be skipped to find it."""
    end = start
    while True:
        header, at = find(data, end, generation=generation)
        if header is None:
            return
        yield header, at, at - end
        end = at + header.extent


def bodies_of(header: Header, data: bytes, at: int) -> tuple[bytes, ...] | None:
    """The events of a valid record; None where its body is not what its header says."""
    body = body_of(header, data, at)
    if header.flags & DEFLATED:
        inflater = zlib.decompressobj()
        try:
            body = inflater.decompress(body, _INFLATED_LIMIT)
        except zlib.error:
            return None
        if not inflater.eof:
            return None
    bodies: list[bytes] = []
    place, end = 0, len(body)
    while place < end:
        start = place + LENGTH_SIZE
        place = start + int.from_bytes(body[place:start], "little")
        bodies.append(body[start:place])
    return tuple(bodies) if place == end and len(bodies) == header.count else None


def record_of(header: Header, bodies: tuple[bytes, ...]) -> Record:
    """A record as it was before it was written."""
    return Record(
        epoch=header.epoch,
        first_seq=header.first_seq,
        bodies=bodies,
        size=framed_size(bodies),
        began=header.began,
        span_ms=header.span_ms,
        refused=header.refused,
    )


def body_of(header: Header, data: bytes, at: int) -> bytes:
    """The body of a valid record, as it lies there."""
    return data[at + HEADER_SIZE : at + HEADER_SIZE + header.length]
