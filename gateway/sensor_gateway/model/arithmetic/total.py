"""For a ``convert`` that is total: the number in some bytes, and a value that its channel can have, or our errors."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.errors import BadFrame, OverRange
from sensor_gateway.model.writing.figures import counted

_WHOLE_NUMBERS: Final = re.compile("[<>][0-9bBhHiIqQx]+")


def number(
    frame: bytes, count: int, *, signed: bool = False, byteorder: Literal["big", "little"] = "big", what: str = "answer"
) -> int:
    """The number that a frame of exactly ``count`` bytes holds. BadFrame for another length; ``what`` names it then."""
    if len(frame) != count:
        raise _of_wrong_length(frame, count, what)
    return int.from_bytes(frame, byteorder, signed=signed)


def numbers(frame: bytes, layout: str, *, what: str = "answer") -> tuple[int, ...]:
    """The whole numbers of a frame, laid out in the letters of ``struct``: ``>hH``. BadFrame for another length.

    ValueError for a layout that does not begin with its byte order, or that holds something else than whole numbers.
    """
    kind = _struct(layout)
    if len(frame) != kind.size:
        raise _of_wrong_length(frame, kind.size, what)
    return kind.unpack(frame)


def _of_wrong_length(frame: bytes, count: int, what: str) -> BadFrame:
    return BadFrame(f"{what} of the wrong length", expected=counted(count, "byte"), got=frame)


@cache
def _struct(layout: str) -> struct.Struct:
    if not _WHOLE_NUMBERS.fullmatch(layout):
        raise ValueError(f"expected a byte order and whole numbers, like >hH, got {layout!r}")
    return struct.Struct(layout)


def within(channel: Channel, value: float) -> float:
    """The value, where the channel's limits allow it. OverRange beyond them (and for what is no number)."""
    if not channel.low <= value <= channel.high:
        unit = channel.quantity.unit
        raise OverRange(
            f"{channel.name} of {value:.6g} {unit} is beyond what the chip can measure, "
            f"{channel.low:g} to {channel.high:g} {unit}"
        )
    return value


def all_within(channels: Iterable[Channel], values: Mapping[str, float]) -> Mapping[str, float]:
    """The values, where the limits of their channels allow them: a channel without a value is passed over. OverRange.

    KeyError for a value that none of the channels is for.
    """
    known = {channel.name: channel for channel in channels}
    for name, value in values.items():
        within(known[name], value)
    return values
