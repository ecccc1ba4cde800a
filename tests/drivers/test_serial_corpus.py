"""Streams as lines really carry them: torn, glued, dirty, endless. Exactly the frames come out, and memory is bounded.

The same corpus for each of the three framings: lines, binary frames, and the answers of Modbus.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from sensor_drivers.frame import Talker
from sensor_drivers.frame_format import Field as FrameField
from sensor_drivers.frame_format import Options as FrameOptions
from sensor_drivers.line import Line
from sensor_drivers.line_format import Field as LineField
from sensor_drivers.line_format import Options as LineOptions
from sensor_drivers.modbus import framing
from sensor_drivers.register_map import Block, Register
from sensor_gateway.driver import Exchange, crc16_modbus, nmea_checksum
from sensor_gateway.model.errors import BadFrame, NoAnswer
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.simulation.virtual_clock import VirtualClock

Fed = Callable[[bytes], list[float]]


def fed_line() -> Fed:
    """NMEA: the one line format with a checksum, so that garbage cannot look like a value."""
    options = LineOptions(format="nmea", sentence="MTW", fields={"t": LineField(index=1, quantity="temperature")})
    driver = Line(options)
    return lambda data: [item["t"] for item in driver.feed(data) if not isinstance(item, Exception)]


def fed_frame() -> Fed:
    driver = Talker(frame_options())
    return lambda data: [item["t"] for item in driver.feed(data) if not isinstance(item, Exception)]


def frame_options() -> FrameOptions:
    field = FrameField(at=2, type="s16", scale=0.1, quantity="temperature")
    return FrameOptions(header="AA 55", length=6, checksum="crc16_modbus", fields={"t": field})


def block() -> Block:
    register = Register(register=1, type="s16", scale=0.1, quantity="temperature")
    return Block(function=3, start=1, count=1, registers={"t": register})


def fed_modbus() -> Fed:
    frame, buffer = framing(7, block()), bytearray()

    def feed(data: bytes) -> list[float]:
        found = []
        buffer.extend(data)
        while buffer:
            count, answer = frame(bytes(buffer))
            if answer is None and count <= 0:
                break
            del buffer[:count]
            if answer is not None:
                found.append(int.from_bytes(answer[3:5], "big", signed=True) / 10)
        return found

    return feed


def said_line(value: float) -> bytes:
    body = f"IIMTW,{value},C"
    return f"${body}*{nmea_checksum(body.encode()):02X}\r\n".encode()


def said_frame(value: float) -> bytes:
    body = b"\xaa\x55" + round(value * 10).to_bytes(2, "big", signed=True)
    return body + crc16_modbus(body)


def said_modbus(value: float) -> bytes:
    body = b"\x07\x03\x02" + round(value * 10).to_bytes(2, "big", signed=True)
    return body + crc16_modbus(body)


@dataclass(frozen=True)
class Kind:
    name: str
    fed: Callable[[], Fed]
    said: Callable[[float], bytes]
    garbage: bytes
    """Bytes that begin like a frame, and are none."""


KINDS = [
    Kind("line", fed_line, said_line, b"$IIMTW,9.9,C*00\r\n\xff\x00\r\n"),
    Kind("frame", fed_frame, said_frame, b"\xaa\x55\x00\xaa\xaa\x00\x00\x00"),
    Kind("modbus", fed_modbus, said_modbus, b"\x07\x03\x02\x07\x07\x83\x00\x00\x00\x00"),
]
EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
VALUES = (-20.5, 0.0, 21.5, 30.1)


@EACH
def test_a_stream_cut_at_any_byte_gives_each_frame_once(kind: Kind) -> None:
    stream = b"".join(map(kind.said, VALUES))
    for place in range(len(stream) + 1):
        fed = kind.fed()
        assert [*fed(stream[:place]), *fed(stream[place:])] == list(VALUES)


@EACH
def test_single_bytes_and_all_at_once_are_the_same(kind: Kind) -> None:
    stream = b"".join(map(kind.said, VALUES))
    fed = kind.fed()
    assert [value for byte in stream for value in fed(bytes((byte,)))] == list(VALUES)
    assert kind.fed()(stream) == list(VALUES)


@EACH
@pytest.mark.parametrize("where", ["before", "between", "after"])
def test_garbage_costs_no_frame_wherever_it_stands(kind: Kind, where: str) -> None:
    frames = [kind.said(value) for value in VALUES]
    stream = {
        "before": kind.garbage + b"".join(frames),
        "between": kind.garbage.join(frames),
        "after": b"".join(frames) + kind.garbage,
    }[where]
    for step in (1, 2, 3, 5, 7, len(stream)):
        fed = kind.fed()
        found = [value for start in range(0, len(stream), step) for value in fed(stream[start : start + step])]
        assert found == list(VALUES)


@EACH
def test_noise_never_becomes_a_value_and_hides_none(kind: Kind) -> None:
    random = Random(20261129)
    stream, expected = b"", []
    for number in range(300):
        value = number / 10 - 15
        # A line is only ended by its end: noise in front of it belongs to it.
        stream += random.randbytes(random.randrange(40)).replace(b"$", b"") + (b"\r\n" if kind.name == "line" else b"")
        stream += kind.said(value)
        expected.append(value)
    fed, found = kind.fed(), []
    while stream:
        size = random.randrange(1, 60)
        found += fed(stream[:size])
        stream = stream[size:]
    assert found == pytest.approx(expected)


# 10 MB without an end

SIZE = 10_000_000
CHUNK = 4096
MOST_MEMORY = 200_000


def peak_of(feed: Callable[[bytes], object], pieces: Iterator[bytes]) -> int:
    """The most bytes that were in use at once beyond the pieces themselves."""
    tracemalloc.start()
    try:
        for piece in pieces:
            feed(piece)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def endless(chunk: bytes, size: int = SIZE) -> Iterator[bytes]:
    return (chunk for _ in range(size // len(chunk)))


@EACH
@pytest.mark.parametrize("filling", [b"\x00", b"x", b"header"])
def test_ten_megabytes_without_an_end_take_no_memory_and_hide_nothing(kind: Kind, filling: bytes) -> None:
    head = kind.garbage[:2] if filling == b"header" else filling
    chunk = (head * CHUNK)[:CHUNK]
    fed = kind.fed()
    # Each header could be one, and costs a checksum, whose numbers are all traced: a fiftieth shows the same.
    size = SIZE // 50 if filling == b"header" else SIZE
    assert peak_of(fed, endless(chunk, size)) < MOST_MEMORY
    tail = b"\r\n" if kind.name == "line" else b""
    assert fed(tail + kind.said(21.5)) == [21.5]


def test_a_reader_that_keeps_everything_is_caught() -> None:
    """The control: the same judge, and a buffer without bounds."""
    kept = bytearray()
    assert peak_of(kept.extend, endless(b"x" * CHUNK, 2_000_000)) > MOST_MEMORY


class Scripted:
    """A line whose reads give one piece after the other, each after the time that stands with it."""

    name = "scripted"

    def __init__(
        self, clock: VirtualClock, pieces: Sequence[tuple[float, bytes]] | Iterator[tuple[float, bytes]]
    ) -> None:
        self._clock = clock
        self._pieces = iter(pieces)
        self._next = next(self._pieces, None)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def wake(self) -> None: ...

    def write(self, data: bytes, timeout_s: float) -> None: ...

    def discard(self) -> int:
        dropped = 0
        while self._next is not None and self._next[0] <= self._clock.monotonic():
            dropped += len(self._next[1])
            self._next = next(self._pieces, None)
        return dropped

    def read(self, timeout_s: float) -> bytes:
        until_s = self._clock.monotonic() + timeout_s
        if self._next is None or self._next[0] > until_s:
            self._clock.advance_to(until_s)
            return b""
        at_s, piece = self._next
        self._clock.advance_to(max(at_s, self._clock.monotonic()))
        self._next = next(self._pieces, None)
        return piece


def question(timeout_s: float = 1.0) -> Exchange:
    return Exchange(b"\x07\x03\x00\x01\x00\x01\xd5\xac", framing(7, block()), timeout_s)


def asked(pieces: Any) -> tuple[Exchanger, VirtualClock]:
    clock = VirtualClock()
    return Exchanger(Scripted(clock, pieces), clock), clock


def test_an_exchange_with_ten_megabytes_of_garbage_ends_with_its_deadline_and_takes_no_memory() -> None:
    chunk = (b"\x07\x03" * CHUNK)[:CHUNK]
    count = SIZE // CHUNK
    exchanger, _ = asked((number / count, chunk) for number in range(2 * count))
    tracemalloc.start()
    try:
        with pytest.raises(BadFrame):
            exchanger.exchange(question(), 7)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_a_late_answer_is_dropped_and_the_next_one_is_the_own() -> None:
    exchanger, clock = asked([(1.5, said_modbus(1.0)), (2.5, said_modbus(2.0))])
    with pytest.raises(NoAnswer):
        exchanger.exchange(question(), 7)
    assert exchanger.exchange(question(), 7) == said_modbus(2.0)
    assert clock.monotonic() >= 2.5
    assert exchanger.strays == len(said_modbus(1.0))
