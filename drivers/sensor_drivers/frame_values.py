"""What a whole frame means, for both drivers of devices that talk in binary frames: frame.py and frame_request.py.

Pure. Limits are judged by the engine, channel by channel.
"""

from __future__ import annotations

import math
import struct
from typing import Literal

import sensor_gateway.driver as gw
from sensor_drivers.frame_format import Field, LengthField, Options
from sensor_drivers.frame_layout import find, layout_of


def convert(frame: bytes, options: Options) -> gw.Values:
    """Values of one whole frame. Total: finite values, or BadFrame or OverRange."""
    if find(frame, layout_of(options))[:2] != (0, len(frame)):
        raise gw.BadFrame("frame of another kind, or damaged", expected=f"{options.header} ...", got=frame)
    return values_of(frame, options)


def values_of(frame: bytes, options: Options) -> gw.Values:
    """Values of a frame that is sound."""
    values = {}
    end = len(frame) - options.overhead
    for name, field in options.fields.items():
        raw = frame[field.at : field.at + field.count]
        if field.at + field.count > end:
            raise gw.BadFrame(f"frame is too short for {name}", expected=f"{field.at + field.count} bytes", got=frame)
        value = _number(raw, field)
        if value is None:
            raise gw.OverRange(f"the device says that it has no value for {name} (its bytes are {raw.hex(' ')})")
        values[name] = value + 0.0  # -0.0 becomes 0.0
    return values


def _number(raw: bytes, field: Field) -> float | None:
    order: Literal["big", "little"] = field.order
    bits = int.from_bytes(raw, order)
    if bits == field.no_value:
        return None
    number: float = struct.unpack(">f", bits.to_bytes(4, "big"))[0] if field.type == "f32" else bits
    if field.type.startswith("s") and bits >> (8 * field.count - 1):
        number -= 1 << 8 * field.count
    value = number * field.scale + field.offset
    return value if math.isfinite(value) else None


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: a whole frame. Options as in a configuration file."""
    written = vector.options
    fields = {name: Field(**field) for name, field in written["fields"].items()}
    length = written.get("length_field")
    options = {**written, "fields": fields, "length_field": LengthField(**length) if length else None}
    (frame,) = vector.frames
    return convert(frame, Options(**options))
