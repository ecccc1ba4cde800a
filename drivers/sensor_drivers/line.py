"""Devices that say one line of text at a time: JSON, key=value, comma-separated values, NMEA 0183, or by a pattern.

Formats: RFC 8259 (JSON); RFC 4180 without quotes (csv); NMEA 0183, whose sentences end in an XOR checksum
(``$IIMTW,17.9,C*1C``); Python's regular expressions with named groups for everything else.

A line, however the device ends it (LF, CR or CRLF)::

    {"temperature_C": 19.1, "humidity": 64}        json        key: a name, or a path like `outside.temperature`
    T=19.1 H=64          T:19.1,H:64               key_value   key: a name
    19.1,64                                        csv         index: from 1
    $IIMTW,19.1,C*1F                               nmea        index: from 1, after the sentence's name
    16.02C,55.85%                                  regex       pattern: (?P<t>[-.0-9]+)C,(?P<h>[-.0-9]+)%   key: a group

A line without any of the fields is passed over; with some of them, it gives those. The line in which we begin to
listen may be the end of a longer one: what could not be told from a whole one is passed over too. Only NMEA has a
checksum: a character lost on the wire can change a number in the other formats.

A pattern that nests repetitions, like (a+)+, may take for ever on a line it does not match, and with it its whole
port; ``max_line`` bounds the damage, not more. Limits are judged by the engine, channel by channel.
"""

from __future__ import annotations

import math
import re
from typing import Final

import sensor_gateway.driver as gw
from sensor_drivers.line_format import Field, Options, channels_of, check
from sensor_drivers.line_readers import READERS, short

LINE_END: Final = re.compile(rb"[\r\n]")
NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def convert(line: bytes, options: Options) -> gw.Values:
    """Values of one whole line, none for a line of another kind. Total: finite values, or BadFrame."""
    text = line.decode("latin-1" if options.format == "nmea" else "utf-8", "replace").strip("\0 \t\r\n")
    values = {}
    for name, written in READERS[options.format](text, options).items():
        if written is None or written == "":
            continue  # The device has no value at the moment.
        field = options.fields[name]
        value = _number(name, written) * field.scale + field.offset
        if not math.isfinite(value):
            raise gw.BadFrame(f"value of {name}", expected="a finite number", got=short(written))
        values[name] = value + 0.0  # -0.0 becomes 0.0
    return values


def _number(name: str, written: object) -> float:
    if isinstance(written, float):
        return written
    if isinstance(written, str) and NUMBER.fullmatch(written.strip()):
        return float(written)
    raise gw.BadFrame(f"value of {name}", expected="a number", got=short(written))


class Line:
    """One device. ``ignored`` counts the lines that said nothing about any of the fields."""

    def __init__(self, options: Options) -> None:
        """Nothing has been heard yet."""
        self.ignored = 0
        self._options = options
        self._buffer = bytearray()
        self._is_whole = False
        self._is_skipping = False

    def feed(self, data: bytes) -> list[gw.Values | Exception]:
        """Take what came in; give the values of each line that ended in it, or a BadFrame for a damaged one."""
        found: list[gw.Values | Exception] = []
        *ended, rest = LINE_END.split(data)
        for piece in ended:
            self._take(piece, found)
            if not self._is_skipping:
                self._end_line(found)
            self._buffer.clear()
            self._is_whole, self._is_skipping = True, False
        self._take(rest, found)
        return found

    def reset(self) -> None:
        """Forget half a line: the port was opened again."""
        self._buffer.clear()
        self._is_whole = self._is_skipping = False

    def _take(self, piece: bytes, found: list[gw.Values | Exception]) -> None:
        if self._is_skipping:
            return
        self._buffer += piece[: self._options.max_line + 1]
        if len(self._buffer) > self._options.max_line:
            self._buffer.clear()
            self._is_skipping = True
            found.append(
                gw.BadFrame(
                    f"line longer than {self._options.max_line} bytes; if it is always so, check the baud rate"
                ),
            )

    def _end_line(self, found: list[gw.Values | Exception]) -> None:
        line = bytes(self._buffer)
        if not line.strip():
            return
        if not self._is_whole and self._options.format not in ("json", "nmea"):
            self.ignored += 1
            return
        try:
            values = convert(line, self._options)
        except gw.BadFrame as error:
            if self._is_whole:
                found.append(error)
                return
            values = {}
        if values:
            found.append(values)
        else:
            self.ignored += 1


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: a line. Options as in a configuration file."""
    written = vector.options
    fields = {name: Field(**field) for name, field in written["fields"].items()}
    (line,) = vector.frames
    return convert(line, Options(**{**written, "fields": fields}))


def _vector(line: bytes, values: gw.Values, source: str, **options: object) -> gw.Vector:
    return gw.Vector(variant="line", frames=(line,), values=values, source=source, options=options)


_T = {"quantity": "temperature"}
_H = {"quantity": "humidity"}

VECTORS = (
    _vector(
        b'{"time" : "2023-12-29 21:17:57", "model" : "AmbientWeather-WH31E", "id" : 118, "channel" : 1, '
        b'"battery_ok" : 1, "temperature_C" : 19.100, "humidity" : 64, "data" : "0800000000", "mic" : "CRC"}\r\n',
        {"temperature": 19.1, "humidity": 64},
        "rtl_433's JSON, as recorded by a user of a WH31E",
        format="json",
        fields={"temperature": {**_T, "key": "temperature_C"}, "humidity": _H},
    ),
    _vector(
        b"$IIMTW,10.5,C*17\r\n",
        {"temperature": 10.5},
        "NMEA 0183 MTW, water temperature: the example of a Go parser of IIMTW",
        format="nmea",
        sentence="MTW",
        fields={"temperature": {**_T, "index": 1}},
    ),
    _vector(
        b"16.02C,55.85%\r\n",
        {"temperature": 16.02, "humidity": 55.85},
        "XY-MD02 in its plain text mode: sankhyafarms.com, recorded from a device",
        format="regex",
        pattern=r"^(?P<t>-?\d+(?:\.\d+)?)C,(?P<h>\d+(?:\.\d+)?)%$",
        fields={"temperature": {**_T, "key": "t"}, "humidity": {**_H, "key": "h"}},
    ),
)

SPEC = gw.DriverSpec(
    name="line",
    summary="Any device that says lines of text: JSON, key=value, csv, NMEA 0183, or by a pattern",
    bus=gw.BusKind.SERIAL_STREAM,
    variants={"line": gw.Variant(part="device that talks in lines")},
    create=lambda _variant, options, _address: Line(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    channels_of=channels_of,
    check=check,
)
