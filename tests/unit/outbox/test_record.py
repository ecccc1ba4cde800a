"""The record on flash: final, checked, and never taken for something it is not."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.notes import drops_of, frame_drops, frame_mark, ranges_of
from sensor_gateway.outbox.files.record import (
    HEADER_SIZE,
    Record,
    Refused,
    bodies_of,
    deflated_body,
    find,
    frame,
    framed_size,
    header_at,
    joined,
    plain_body,
    record_of,
    scan,
)

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
EPOCHS = st.builds(Epoch, ordinal=U32, random=U32)
CAUSES = st.sampled_from(GapCause)
DROPS = st.builds(
    Drop, epoch=EPOCHS, first=U64, last=U64, count=U64, cause=CAUSES, from_ms=st.just(-5), to_ms=st.just(2**62)
)
BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=6).map(tuple)


@st.composite
def records(draw: st.DrawFn) -> Record:
    bodies = draw(BODIES)
    return Record(
        epoch=draw(EPOCHS),
        first_seq=draw(st.integers(1, 2**60)),
        bodies=bodies,
        size=framed_size(bodies),
        began=Moment(boot=draw(U32), uptime_ms=draw(U64), wall_ms=draw(I64), is_unsynced=draw(st.booleans())),
        span_ms=draw(U32),
        refused=draw(
            st.none() | st.builds(Refused, count=st.integers(1, 2**32 - 1), from_ms=I64, to_ms=I64),
        ),
    )


def plain(seq: int = 1, *texts: bytes, boot: int = 1, uptime_ms: int = 0) -> Record:
    bodies = texts or (b"a",)
    return Record(
        epoch=Epoch(ordinal=1, random=2),
        first_seq=seq,
        bodies=bodies,
        size=framed_size(bodies),
        began=Moment(boot=boot, uptime_ms=uptime_ms, wall_ms=0, is_unsynced=False),
    )


def written(record: Record, generation: int = 7) -> bytes:
    flags, body = deflated_body(record.bodies)
    return frame(record, body, flags=flags, generation=generation)


@given(record=records(), generation=U64, ticket=U64, is_deflated=st.booleans())
def test_a_record_comes_back_as_it_was(record: Record, generation: int, ticket: int, *, is_deflated: bool) -> None:
    flags, body = deflated_body(record.bodies) if is_deflated else (0, plain_body(record.bodies))
    data = frame(record, body, flags=flags, generation=generation, ticket=ticket)
    header = header_at(data, 0, generation=generation)
    assert header is not None
    bodies = bodies_of(header, data, 0)
    assert bodies is not None
    assert record_of(header, bodies) == record
    assert (header.ticket, header.generation, header.extent) == (ticket, generation, len(data))
    if not is_deflated:
        assert len(data) == record.size


def test_the_layout_is_final() -> None:
    record = Record(
        epoch=Epoch(ordinal=0x01020304, random=0x05060708),
        first_seq=0x1112131415161718,
        bodies=(b"{}",),
        size=0,
        began=Moment(boot=0x0A0B0C0D, uptime_ms=0x2122232425262728, wall_ms=-2, is_unsynced=True),
        span_ms=0x31323334,
        refused=Refused(count=0x41424344, from_ms=0x51, to_ms=0x61),
    )
    data = frame(record, plain_body(record.bodies), generation=0x7172737475767778, ticket=0x8182838485868788)
    assert data[:4] == b"SGW1"
    assert data[8:].hex() == (
        "01040100"
        "06000000"
        "7877767574737271"
        "04030201"
        "08070605"
        "1817161514131211"
        "2827262524232221"
        "feffffffffffffff"
        "34333231"
        "0d0c0b0a"
        "44434241"
        "5100000000000000"
        "6100000000000000"
        "8887868584838281"
        "02000000" + b"{}".hex()
    )
    assert int.from_bytes(data[4:8], "little") == zlib.crc32(data[8:], zlib.crc32(b"SGW1"))
    assert HEADER_SIZE == 92


@given(record=records(), generation=U64, other=U64)
def test_a_record_of_another_generation_is_not_there(record: Record, generation: int, other: int) -> None:
    data = written(record, generation)
    assert (header_at(data, 0, generation=other) is not None) == (generation == other)


@given(
    lots=st.lists(records(), min_size=1, max_size=5),
    stale=records(),
    damage=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 3000),
)
def test_damage_costs_the_records_it_touches_and_never_raises(
    lots: list[Record], stale: Record, damage: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray()
    places: list[tuple[int, int]] = []
    for record in lots:
        start = len(data)
        data += written(record)
        places.append((start, len(data)))
    data += written(stale, generation=6)
    original = bytes(data)
    for place, value in damage:
        if place < len(data):
            data[place] = value
    if cut < len(data):
        del data[cut:]
    untouched = [
        record
        for record, (start, end) in zip(lots, places, strict=True)
        if bytes(data[start:end]) == original[start:end]
    ]
    changed = bytes(data)
    found = []
    for header, at, _ in scan(changed, generation=7):
        bodies = bodies_of(header, changed, at)
        assert bodies is not None
        found.append(record_of(header, bodies))
    assert [record for record in found if record in untouched] == untouched
    assert all(record in lots for record in found)


@given(data=st.binary(max_size=400), generation=U64)
def test_any_bytes_can_be_searched(data: bytes, generation: int) -> None:
    header, at = find(data, 0, generation=generation)
    assert header is None
    assert at == len(data)


@given(prefix=st.binary(max_size=20), data=st.binary(max_size=200), count=st.integers(0, 65535))
def test_any_body_behind_a_valid_checksum_is_read_or_refused(prefix: bytes, data: bytes, count: int) -> None:
    record = plain(1, *[b"x"] * 3)
    for flags in (0, 1):
        raw = prefix + frame(record, data, flags=flags)
        header, at = find(raw, 0, generation=0)
        assert header is not None
        bodies = bodies_of(header, raw, at)
        assert bodies is None or len(bodies) == 3


@given(epoch=EPOCHS, seq=U64, ranges=st.lists(st.tuples(EPOCHS, U64, U64), max_size=5))
def test_acknowledgements_come_back_as_they_were(epoch: Epoch, seq: int, ranges: list[tuple[Epoch, int, int]]) -> None:
    data = frame_mark(epoch, seq, ranges)
    header = header_at(data, 0, generation=0)
    assert header is not None
    assert header.is_mark
    assert (header.epoch, header.first_seq, list(ranges_of(header, data, 0))) == (epoch, seq, ranges)


@given(drops=st.lists(DROPS, min_size=1, max_size=5))
def test_drops_come_back_as_they_were(drops: list[Drop]) -> None:
    data = frame_drops(drops)
    assert frame_drops([]) == b""
    header = header_at(data, 0, generation=0)
    assert header is not None
    assert header.is_drops
    assert not header.is_mark
    assert [*drops_of(header, data, 0)] == drops


def test_records_in_a_row_become_one() -> None:
    one = joined([plain(5, b"a", b"b", uptime_ms=100), plain(7, b"c", uptime_ms=250)])
    assert (one.first_seq, one.last_seq, one.bodies) == (5, 7, (b"a", b"b", b"c"))
    assert (one.began.uptime_ms, one.span_ms) == (100, 150)


def test_a_body_is_deflated_only_where_that_is_shorter() -> None:
    assert deflated_body([b"ab"])[0] == 0
    assert deflated_body([b"ab" * 500])[0] == 1


@pytest.mark.parametrize("flip", [8, 10, 13, 17, 30, 60, 90, 95])
def test_without_the_checksum_damage_would_pass(flip: int) -> None:
    """The control of the tests above: a reader that trusts the fields alone takes the damaged record."""
    data = bytearray(written(plain(1, b"first", b"second")))
    data[flip] ^= 0
    assert header_at(bytes(data), 0, generation=7) is not None
    data[flip] ^= 1
    assert header_at(bytes(data), 0, generation=7) is None
