"""A device that says its values in a binary frame: at its interval, or when it hears the request for it."""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, cast

from sensor_gateway.model.checksums import crc8, crc16_modbus
from sensor_gateway.simulation.chips.chip import Mounting

ANSWER_AFTER_S: Final = 0.02


class FrameField(Protocol):
    """What a frame's options say of one value; ``value = raw * scale + offset``."""

    at: int
    type: str
    order: Literal["big", "little"]
    scale: float
    offset: float


class FrameLength(Protocol):
    """Where a frame says how long it is."""

    at: int
    type: str
    order: Literal["big", "little"]
    plus: int


class FrameOptions(Protocol):
    """The options of the frame drivers, as far as a device needs them."""

    request: str
    header: str
    length: int | None
    length_field: FrameLength | None
    trailer: str
    checksum: str
    checksum_from: int
    fields: Mapping[str, FrameField]


CHECKS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "none": lambda _body: b"",
    "sum8": lambda body: bytes([sum(body) % 256]),
    "neg_sum8": lambda body: bytes([(256 - sum(body) % 256) % 256]),
    "xor8": lambda body: bytes([functools.reduce(operator.xor, body, 0)]),
    "crc8": lambda body: bytes([crc8(body)]),
    "crc16_modbus": crc16_modbus,
    "sum16": lambda body: struct.pack(">H", sum(body) % 65536),
}


class FrameTalker:
    """A device that talks by itself. It speaks first when one interval has passed."""

    def __init__(self, mounting: Mounting) -> None:
        """Its frame is the shortest that holds its values."""
        # The model of the driver `frame` is given that driver's options.
        self._options = cast("FrameOptions", mounting.options)
        self._courses = mounting.courses
        self._interval_s = mounting.interval_s
        self.next_s = mounting.interval_s

    def say(self) -> bytes:
        """The frame of its next moment."""
        said = frame_at(self.next_s, self._options, self._courses)
        self.next_s += self._interval_s
        return said


class FrameSlave:
    """A device that answers its request, and nothing else."""

    def __init__(self, mountings: Sequence[Mounting]) -> None:
        """One device for all sensors on the line: each one's request is answered by its frame."""
        # The model of the driver `frame_request` is given that driver's options.
        self._options = [cast("FrameOptions", mounting.options) for mounting in mountings]
        self._courses = [mounting.courses for mounting in mountings]

    def hear(self, data: bytes, now_s: float) -> tuple[float, bytes] | None:
        """The answer to a request of ours."""
        for options, courses in zip(self._options, self._courses, strict=True):
            if data == bytes.fromhex(options.request):
                return ANSWER_AFTER_S, frame_at(now_s, options, courses)
        return None


def frame_at(at_s: float, options: FrameOptions, courses: Mapping[str, Callable[[float], float]]) -> bytes:
    """The frame that says the values of that moment."""
    trailer = bytes.fromhex(options.trailer)
    tail = len(CHECKS[options.checksum](b"")) + len(trailer)
    length = options.length
    if length is None:
        ends = [field.at + _size(field) for field in options.fields.values()]
        place = options.length_field
        ends.append(0 if place is None else place.at + 2)
        length = max(ends) + tail
    body = bytearray(length - tail)
    header = bytes.fromhex(options.header)
    body[: len(header)] = header
    if options.length_field is not None:
        place = options.length_field
        size = 2 if place.type == "u16" else 1
        body[place.at : place.at + size] = (length - place.plus).to_bytes(size, place.order)
    for name, field in options.fields.items():
        body[field.at : field.at + _size(field)] = _raw((courses[name](at_s) - field.offset) / field.scale, field)
    return bytes(body) + CHECKS[options.checksum](bytes(body[options.checksum_from :])) + trailer


def _size(field: FrameField) -> int:
    return int(field.type[1:]) // 8


def _raw(value: float, field: FrameField) -> bytes:
    if field.type == "f32":
        return struct.pack(">f" if field.order == "big" else "<f", value)
    size = _size(field)
    is_signed = field.type.startswith("s")
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if is_signed else (0, (1 << 8 * size) - 1)
    return min(high, max(low, round(value))).to_bytes(size, field.order, signed=is_signed)
