"""Devices that answer a request with a binary frame. Both are declared by the configuration.

An example is the datasheet of the Winsen MH-Z19 (V1.0, serial port communication)::

    byte   0   1   2     3     4         5..7   8
           FF  86  co2_h co2_l T + 40    ...    check        length 9, header FF 86, checksum neg_sum8 from 1

An answer is taken only with its header, its length, its checksum and its trailer. Limits are judged by the engine,
channel by channel.
"""

from __future__ import annotations

import sensor_gateway.driver as gw
from sensor_drivers.frame_format import Options, channels_of, check
from sensor_drivers.frame_layout import Layout, find, layout_of
from sensor_drivers.frame_values import replay, values_of


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
        return values_of((yield self._question), self._options)


def _framed(buffer: bytes, layout: Layout) -> tuple[int, bytes | None]:
    start, end, _ = find(buffer, layout)
    if start:
        return start, None
    return end, buffer[:end] or None


_MH_Z19 = {
    "request": "FF 01 86 00 00 00 00 00 79",
    "header": "FF 86",
    "length": 9,
    "checksum": "neg_sum8",
    "checksum_from": 1,
}
_CO2 = {"carbon_dioxide": {"at": 2, "type": "u16", "quantity": "carbon_dioxide"}}
_T = {"temperature": {"at": 4, "type": "u8", "offset": -40, "quantity": "temperature"}}

VECTORS = (
    gw.vector(
        "frame_request",
        "FF 86 02 60 47 00 00 00 D1",
        carbon_dioxide=608,
        temperature=31,
        source="the answer in the tests of the crate mh_z_rr, and (its checksum) of the crate mh-z19",
        options={**_MH_Z19, "fields": _CO2 | _T},
    ),
    gw.vector(
        "frame_request",
        "FF 86 01 F4 00 00 00 00 85",
        carbon_dioxide=500,
        source="avaldebe/PyPMS, tests/core/test_sensor.py: MHZ19B",
        options={**_MH_Z19, "fields": _CO2},
    ),
)

SPEC = gw.DriverSpec(
    name="frame_request",
    summary="Any device that answers a request with a binary frame",
    bus=gw.BusKind.SERIAL_REQUEST,
    # wire_bits: a request and an answer of 9 characters, 10 bits each.
    variants={"frame_request": gw.Variant(part="device that answers in frames", wire_bits=180)},
    create=lambda _variant, options, _address: Asked(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    channels_of=channels_of,
    check=lambda options: check(options, is_asked=True),
)
