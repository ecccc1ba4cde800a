"""For a ``convert`` that is total: the number in some bytes, and a value that its channel can have, or our errors."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Literal

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.errors import BadFrame, OverRange


def number(
    frame: bytes, count: int, *, signed: bool = False, byteorder: Literal["big", "little"] = "big", what: str = "answer"
) -> int:
    """The number that a frame of exactly ``count`` bytes holds. BadFrame for another length; ``what`` names it then."""
    if len(frame) != count:
        raise BadFrame(f"{what} of the wrong length", expected=f"{count} byte{'s' * (count != 1)}", got=frame)
    return int.from_bytes(frame, byteorder, signed=signed)


def numbers(frame: bytes, layout: str, *, what: str = "answer") -> tuple[int, ...]:
    """The whole numbers of a frame, laid out in the letters of ``struct`` (``>hH``). BadFrame for another length."""
    count = struct.calcsize(layout)
    if len(frame) != count:
        raise BadFrame(f"{what} of the wrong length", expected=f"{count} byte{'s' * (count != 1)}", got=frame)
    return struct.unpack(layout, frame)


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
    """The values, where the limits of the channels allow them: a channel without a value is passed over. OverRange."""
    for channel in channels:
        if channel.name in values:
            within(channel, values[channel.name])
    return values
