"""Devices that talk in binary frames: by themselves (``frame``), or when they are asked (``frame_request``).

The frame is declared by the configuration. Examples are the datasheets of the Winsen MH-Z19 (V1.0, serial port
communication) and of the Plantower PMS5003 (V2.3, appendix I)::

    byte   0   1   2     3     4         5..7   8
           FF  86  co2_h co2_l T + 40    ...    check        length 9, header FF 86, checksum neg_sum8 from 1
           42  4D  len_h len_l data ...  check_h check_l     length_field at 2, u16, plus 4; checksum sum16

A frame is taken only with its header, its length, its checksum and its trailer. After one that is damaged the search
goes on one byte later, so that a header by chance costs nothing. Limits are judged by the engine, channel by channel.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Literal

import sensor_gateway.driver as gw
from sensor_drivers.frame_format import Field, Layout, LengthField, Options, find, layout_of


def convert(frame: bytes, options: Options) -> gw.Values:
    """Values of one whole frame. Total: finite values, or BadFrame or OverRange."""
    if find(frame, layout_of(options))[:2] != (0, len(frame)):
        raise gw.BadFrame("frame of another kind, or damaged", expected=f"{options.header} ...", got=frame)
    return _values(frame, options)


def _values(frame: bytes, options: Options) -> gw.Values:
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


class Talker:
    """A device that says its frames by itself."""

    def __init__(self, options: Options) -> None:
        """Nothing has been heard yet."""
        self._options = options
        self._layout = layout_of(options)
        self._buffer = b""

    def feed(self, data: bytes) -> list[gw.Values | Exception]:
        """Take what came in; give the values of each frame that ended in it, or a BadFrame for damage before it."""
        found: list[gw.Values | Exception] = []
        buffer, start = self._buffer + data, 0
        while True:
            start, end, is_damaged = find(buffer, self._layout, start)
            if is_damaged:
                found.append(gw.BadFrame("damaged frame", expected=f"a checksum {self._options.checksum} that fits"))
            if start == end:
                break
            try:
                found.append(_values(buffer[start:end], self._options))
            except (gw.BadFrame, gw.OverRange) as error:
                found.append(error)
            start = end
        self._buffer = buffer[start:]
        return found

    def reset(self) -> None:
        """Forget half a frame: the port was opened again."""
        self._buffer = b""


class Asked:
    """A device that says a frame when it is asked. There is nothing to set up in it, and nothing to tell it by."""

    def __init__(self, options: Options) -> None:
        """Work out the request; nothing is sent yet."""
        self._options = options
        layout = layout_of(options)
        self._question = gw.Exchange(
            bytes.fromhex(options.request), lambda buffer: _framed(buffer, layout), options.timeout
        )

    def identify(self) -> gw.Identifying:
        """Ask nothing."""
        yield from ()
        return gw.Identity(part="device that answers in frames", channels=tuple(self._options.fields))

    def setup(self) -> gw.Preparing:
        """Nothing."""
        yield from ()

    def measure(self) -> gw.Measuring:
        """Ask once."""
        return _values((yield self._question), self._options)


def _framed(buffer: bytes, layout: Layout) -> tuple[int, bytes | None]:
    start, end, _ = find(buffer, layout)
    if start:
        return start, None
    return end, buffer[:end] or None


def channels_of(options: Options) -> tuple[gw.Channel, ...]:
    """One channel per field, in the order of the file."""
    return tuple(field.channel(name) for name, field in options.fields.items())


def _check(options: Options, *, is_asked: bool) -> tuple[str, ...]:
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


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: a whole frame. Options as in a configuration file."""
    written: Any = vector.options
    fields = {name: Field(**field) for name, field in written["fields"].items()}
    length = written.get("length_field")
    options = {**written, "fields": fields, "length_field": LengthField(**length) if length else None}
    (frame,) = vector.frames
    return convert(frame, Options(**options))


def _vector(variant: str, frame: str, values: gw.Values, source: str, **options: object) -> gw.Vector:
    return gw.Vector(
        variant=variant, frames=(bytes.fromhex(frame),), values=values, source=source, options=options, tolerance=1e-4
    )


_MH_Z19 = {
    "request": "FF 01 86 00 00 00 00 00 79",
    "header": "FF 86",
    "length": 9,
    "checksum": "neg_sum8",
    "checksum_from": 1,
}
_CO2 = {"at": 2, "type": "u16", "quantity": "carbon_dioxide"}
_PYPMS = "avaldebe/PyPMS, tests/core/test_sensor.py"

ASKED_VECTORS = (
    _vector(
        "frame_request",
        "FF 86 02 60 47 00 00 00 D1",
        {"carbon_dioxide": 608, "temperature": 31},
        "the answer in the tests of the crate mh_z_rr, and (its checksum) of the crate mh-z19",
        **_MH_Z19,
        fields={
            "carbon_dioxide": _CO2,
            "temperature": {"at": 4, "type": "u8", "offset": -40, "quantity": "temperature"},
        },
    ),
    _vector(
        "frame_request",
        "FF 86 01 F4 00 00 00 00 85",
        {"carbon_dioxide": 500},
        f"{_PYPMS}: MHZ19B",
        **_MH_Z19,
        fields={"carbon_dioxide": _CO2},
    ),
)
VECTORS = (
    _vector(
        "frame",
        "424d001c0005000d00160005000d001602fd00fc001d000f00060006970003c5",
        {"pm25": 13, "pm10": 22},
        f"{_PYPMS}: PMSx003",
        header="42 4D",
        length_field={"at": 2, "type": "u16", "plus": 4},
        checksum="sum16",
        fields={name: {"at": at, "type": "u16", "quantity": name} for name, at in (("pm25", 12), ("pm10", 14))},
    ),
    _vector(
        "frame",
        "AA C0 D4 04 3A 0A A1 60 1D AB",
        {"pm25": 123.6, "pm10": 261.8},
        f"{_PYPMS}: SDS01x (1236 and 2618, in tenths)",
        header="AA C0",
        length=10,
        trailer="AB",
        checksum="sum8",
        checksum_from=2,
        fields={
            name: {"at": at, "type": "u16", "order": "little", "scale": 0.1, "quantity": name}
            for name, at in (("pm25", 2), ("pm10", 4))
        },
    ),
)

SPEC = gw.DriverSpec(
    name="frame",
    summary="Any device that says binary frames by itself",
    bus=gw.BusKind.SERIAL_STREAM,
    variants={"frame": gw.Variant(part="device that talks in frames")},
    create=lambda _variant, options, _address: Talker(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    channels_of=channels_of,
    check=lambda options: _check(options, is_asked=False),
)

ASKED = gw.DriverSpec(
    name="frame_request",
    summary="Any device that answers a request with a binary frame",
    bus=gw.BusKind.SERIAL_REQUEST,
    # wire_bits: a request and an answer of 9 characters, 10 bits each.
    variants={"frame_request": gw.Variant(part="device that answers in frames", wire_bits=180)},
    create=lambda _variant, options, _address: Asked(options),
    replay=replay,
    vectors=ASKED_VECTORS,
    options=Options,
    channels_of=channels_of,
    check=lambda options: _check(options, is_asked=True),
)
