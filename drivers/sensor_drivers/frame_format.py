"""What a configuration says of a device that talks in binary frames: their layout, and which values to take from where.

Pure, and the part of the drivers ``frame`` and ``frame_request`` that sees no byte of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

import sensor_gateway.driver as gw

Type: TypeAlias = Literal["u8", "s8", "u16", "s16", "u24", "s24", "u32", "s32", "f32"]
Checksum: TypeAlias = Literal["none", "sum8", "neg_sum8", "xor8", "crc8", "crc16_modbus", "sum16"]

LONGEST: Final = 1024
TIMEOUT: Final = gw.Seconds(0.5)
LONGEST_TIMEOUT: Final = gw.Seconds(30)

CHECKSUMS: Final[Mapping[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "none": (0, lambda _data: b""),
    "sum8": (1, lambda data: bytes((sum(data) & 0xFF,))),
    "neg_sum8": (1, lambda data: bytes((-sum(data) & 0xFF,))),
    "xor8": (1, lambda data: bytes((gw.nmea_checksum(data),))),
    "crc8": (1, lambda data: bytes((gw.crc8(data),))),
    "crc16_modbus": (2, gw.crc16_modbus),
    "sum16": (2, lambda data: (sum(data) & 0xFFFF).to_bytes(2, "big")),
}
"""How many bytes each takes, and what they are for the bytes that they cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value of a frame: where it stands, how it is written, and what it means."""

    at: Annotated[int, "Where its first byte stands; the first byte of the header is 0."]
    type: Annotated[Type, "Unsigned, signed or floating, and its bits."]
    order: Annotated[Literal["big", "little"], "Which end of the value comes first."] = "big"
    scale: Annotated[float, "The value is raw * scale + offset."] = 1.0
    offset: Annotated[float, "The value is raw * scale + offset."] = 0.0
    no_value: Annotated[int | None, "Raw bits by which the device says that it has no value, like 0xFFFF."] = None
    quantity: Annotated[gw.QuantityName, "What is measured; `other` for anything with a unit of its own."]
    unit: Annotated[str, "Unit, for the quantity `other`."] = ""
    low: Annotated[float | None, "Lowest value that is physically possible; by default the quantity's."] = None
    high: Annotated[float | None, "Highest value that is physically possible; by default the quantity's."] = None
    resolution: Annotated[float | None, "Smallest step of the value; by default that of the scale."] = None
    deadband: Annotated[float | None, "How far the value moves before it is news; by default the quantity's."] = None

    def __post_init__(self) -> None:
        """Refuse what no frame can hold (ValueError, beginning with the key)."""
        if not 0 <= self.at <= LONGEST - self.count:
            raise ValueError(f"at counts from 0, the first byte of the header, got {self.at}")
        gw.check_scaling(self.scale, self.offset)
        if self.no_value is not None and not 0 <= self.no_value < 1 << 8 * self.count:
            raise ValueError(f"no_value is the raw bits of a {self.type}, like 0xFFFF; {self.no_value} is none")
        self.channel("value")

    @property
    def count(self) -> int:
        """How many bytes the value takes."""
        return int(self.type[1:]) // 8

    def channel(self, name: str) -> gw.Channel:
        """The channel of that name. ValueError for limits and the like that no channel can have."""
        step = None if self.type == "f32" else abs(self.scale)
        return gw.configured_channel(
            name,
            quantity=gw.configured_quantity(self.quantity, self.unit),
            low=self.low,
            high=self.high,
            resolution=step if self.resolution is None else self.resolution,
            deadband=self.deadband,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthField:
    """Where a frame says how long it is: it is ``plus`` bytes longer than the number that stands there."""

    at: Annotated[int, "Where the number stands; the first byte of the header is 0."]
    type: Annotated[Literal["u8", "u16"], "How many bits it has."] = "u8"
    order: Annotated[Literal["big", "little"], "Which end of the number comes first."] = "big"
    plus: Annotated[int, "Bytes of the frame that the number does not count."] = 0

    def __post_init__(self) -> None:
        """Refuse a place that no frame has (ValueError, beginning with the key)."""
        if not 0 <= self.at < LONGEST - 1:
            raise ValueError(f"at counts from 0, the first byte of the header, got {self.at}")

    @property
    def end(self) -> int:
        """The first place behind it."""
        return self.at + (2 if self.type == "u16" else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the frames of one device are asked for, told from each other, and read."""

    request: Annotated[str, "What is sent to get one frame, in hexadecimal (frame_request)."] = ""
    header: Annotated[str, "The bytes that every frame begins with, in hexadecimal, like FF 86."]
    length: Annotated[int | None, "Bytes of a whole frame, header and checksum included, where all are alike."] = None
    length_field: Annotated[LengthField | None, "Where the frame says how long it is."] = None
    trailer: Annotated[str, "The bytes that every frame ends with, after its checksum, in hexadecimal."] = ""
    checksum: Annotated[
        Checksum,
        "sum8, neg_sum8 (256 - sum), xor8, crc8 (31/FF), crc16_modbus (low byte first), sum16 (high byte first), none.",
    ]
    checksum_from: Annotated[int, "The first byte that the checksum covers; it covers all up to itself."] = 0
    fields: Annotated[Mapping[str, Field], "The values to take, by channel name."]
    timeout: Annotated[gw.Seconds, "Longest time from a request to the end of its answer (frame_request)."] = TIMEOUT

    def __post_init__(self) -> None:
        """Refuse what cannot be read (ValueError, beginning with the key)."""
        for key, written in (("request", self.request), ("header", self.header), ("trailer", self.trailer)):
            _refuse_other_than_hexadecimal(key, written)
        if not bytes.fromhex(self.header):
            raise ValueError("header is empty: without one no frame can be told from garbage")
        if (self.length is None) == (self.length_field is None):
            raise ValueError("length is said once: `length` where all frames are alike, else `length_field`")
        if self.length is not None and not self.shortest <= self.length <= LONGEST:
            raise ValueError(f"length has to be {self.shortest} to {LONGEST} bytes, got {self.length}")
        if not self.fields:
            raise ValueError("fields is empty: name at least one value to take")
        _refuse_bad_channels(self.fields)
        if not 0 <= self.checksum_from < LONGEST:
            raise ValueError(f"checksum_from counts from 0, the first byte of the header, got {self.checksum_from}")
        if not 0.01 <= self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"timeout has to be between 10ms and {LONGEST_TIMEOUT}s, got {self.timeout:g} s")

    @property
    def overhead(self) -> int:
        """Bytes of checksum and trailer."""
        return CHECKSUMS[self.checksum][0] + len(bytes.fromhex(self.trailer))

    @property
    def shortest(self) -> int:
        """Bytes that a frame has at least."""
        head = len(bytes.fromhex(self.header))
        return max(head, self.length_field.end if self.length_field else 0) + self.overhead


def _refuse_other_than_hexadecimal(key: str, written: str) -> None:
    try:
        bytes.fromhex(written)
    except ValueError:
        raise ValueError(f"{key} is not hexadecimal, like FF 01 86") from None


def _refuse_bad_channels(fields: Mapping[str, Field]) -> None:
    for name, field in fields.items():
        try:
            field.channel(name)
        except ValueError as error:
            raise ValueError(f"fields: {error}") from error


def channels_of(options: Options) -> tuple[gw.Channel, ...]:
    """One channel per field, in the order of the file."""
    return tuple(field.channel(name) for name, field in options.fields.items())


def check(options: Options, *, is_asked: bool) -> tuple[str, ...]:
    """A sentence for each option that does not go with the others."""
    found = []
    if is_asked and not options.request:
        found.append("request is missing: expected what is sent to get a frame; or `driver: frame`, if nothing is")
    if options.request and not is_asked:
        found.append("request is for `driver: frame_request`; `frame` is for devices that talk by themselves")
    size = None if options.length is None else options.length - options.overhead
    for name, field in options.fields.items():
        if size is not None and field.at + field.count > size:
            found.append(
                f"fields.{name}: a {field.type} at {field.at} does not end before byte {size}, where the data do"
            )
    return tuple(found)
