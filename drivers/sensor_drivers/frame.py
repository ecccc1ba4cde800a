"""Devices that say binary frames by themselves. The frame is declared by the configuration.

An example is the datasheet of the Plantower PMS5003 (V2.3, appendix I)::

    byte   0   1   2      3      4 to 29   30       31
           42  4D  len_h  len_l  data ...  check_h  check_l      length_field at 2, u16, plus 4; checksum sum16

A frame is taken only with its header, its length, its checksum and its trailer. After one that is damaged the search
goes on one byte later, so that a header by chance costs nothing. Limits are judged by the engine, channel by channel.
"""

from __future__ import annotations

import sensor_gateway.driver as gw
from sensor_drivers.frame_format import Options, channels_of, check
from sensor_drivers.frame_layout import find, layout_of
from sensor_drivers.frame_values import replay, values_of


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
                found.append(values_of(buffer[start:end], self._options))
            except (gw.BadFrame, gw.OverRange) as error:
                found.append(error)
            start = end
        self._buffer = buffer[start:]
        return found

    def reset(self) -> None:
        """Forget half a frame: the port was opened again."""
        self._buffer = b""


_PYPMS = "avaldebe/PyPMS, tests/core/test_sensor.py"

VECTORS = (
    gw.vector(
        "frame",
        "424d001c0005000d00160005000d001602fd00fc001d000f00060006970003c5",
        pm25=13,
        pm10=22,
        source=f"{_PYPMS}: PMSx003",
        options={
            "header": "42 4D",
            "length_field": {"at": 2, "type": "u16", "plus": 4},
            "checksum": "sum16",
            "fields": {name: {"at": at, "type": "u16", "quantity": name} for name, at in (("pm25", 12), ("pm10", 14))},
        },
    ),
    gw.vector(
        "frame",
        "AA C0 D4 04 3A 0A A1 60 1D AB",
        pm25=123.6,
        pm10=261.8,
        source=f"{_PYPMS}: SDS01x (1236 and 2618, in tenths)",
        options={
            "header": "AA C0",
            "length": 10,
            "trailer": "AB",
            "checksum": "sum8",
            "checksum_from": 2,
            "fields": {
                name: {"at": at, "type": "u16", "order": "little", "scale": 0.1, "quantity": name}
                for name, at in (("pm25", 2), ("pm10", 4))
            },
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
    check=lambda options: check(options, is_asked=False),
)
