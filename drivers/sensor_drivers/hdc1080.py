"""TI HDC1000, HDC1008, HDC1010, HDC1050 and HDC1080 on I2C: temperature and relative humidity.

Datasheets: TI SNAS672A (HDC1080, sections cited below), SNAS658C (HDC1050), SNAS685A (HDC1010), SNAS649B (HDC1008),
SNAS643 (HDC1000). Address 40; HDC1000, HDC1008 and HDC1010 also 41 to 43 (pins ADR1 ADR0). No checksum.

The answer, registers 00 and 01 in one read (section 8.5.1.3)::

    byte    0      1      2      3
            t_msb  t_lsb  h_msb  h_lsb

The chip does not stretch the clock: while it converts it refuses its address, so a read that comes early fails.
"""

from __future__ import annotations

import sensor_gateway.driver as gw

# Registers (section 8.6, table 1). Setting the pointer to 00 starts a measurement.
MEASURE = gw.Write(b"\x00")
ANSWER = gw.Read(4)
CONFIGURE = gw.Write(b"\x02\x10\x00")  # MODE 1: temperature, then humidity, 14 bits each, heater off (table 4)
READ_DEVICE_ID = gw.WriteRead(b"\xff", 2)

# 6.35 ms and 6.50 ms typically (section 7.5; Linux, iio/humidity/hdc100x.c); there is no maximum: half as much again.
DURATION = gw.Wait(0.020)

LOWEST, HIGHEST = 0x0000, 0xFFFC  # both ends of 14 bits: the last two are 0 (section 8.6.1)
OPEN_WIRE = 0xFFFF

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)
_ONE, _FOUR = (0x40,), (0x40, 0x41, 0x42, 0x43)


def _variant(part: str, addresses: tuple[int, ...]) -> gw.Variant:
    bits = gw.wire_bits(MEASURE, ANSWER)
    return gw.Variant(addresses=addresses, channels=(_T, _H), wire_bits=bits, part=part, has_identity=True)


VARIANTS = {
    "hdc1080": _variant("HDC1080", _ONE),
    "hdc1050": _variant("HDC1050", _ONE),
    "hdc1010": _variant("HDC1010", _FOUR),
    "hdc1008": _variant("HDC1008", _FOUR),
    "hdc1000": _variant("HDC1000", _FOUR),
}
# Device id register FF: HDC1050 and HDC1080 look alike, and so do the other three (1000 in RIOT's hdc1000_regs.h, 1000
# or 1050 in Adafruit_HDC1000.cpp; Linux looks at none).
OLD_ID, NEW_ID = b"\x10\x00", b"\x10\x50"
IDS = {"hdc1080": NEW_ID, "hdc1050": NEW_ID, "hdc1010": OLD_ID, "hdc1008": OLD_ID, "hdc1000": OLD_ID}


def convert(frame: bytes) -> gw.Values:
    """Values of one answer (sections 8.6.1 and 8.6.2). Total: values within limits, or an error."""
    t, h = gw.numbers(frame, ">HH")
    if OPEN_WIRE in (t, h):
        raise gw.BadFrame("answer of a wire that nobody pulls down", got=frame)
    if t == LOWEST and h == LOWEST:
        raise gw.NotReady("the result registers hold their reset values: nothing was measured since power-on")
    temperature = 165 * t / 65536 - 40
    if not LOWEST < t < HIGHEST:
        raise gw.OverRange(f"temperature of {temperature:.0f} °C is the end of what the chip can measure")
    return {"temperature": temperature, "humidity": 100 * h / 65536}


class Hdc1080:
    """One chip. It sleeps between measurements."""

    def __init__(self, variant: str) -> None:
        """Nothing is sent yet."""
        self._variant = variant

    def identify(self) -> gw.Identifying:
        """Check the device id. The manufacturer id is left alone: its number, FE, resets an HTU21D at this address."""
        yield from gw.identified(READ_DEVICE_ID, IDS[self._variant], what="device id, register FF")
        return gw.Identity(part=VARIANTS[self._variant].part, channels=("temperature", "humidity"))

    def setup(self) -> gw.Preparing:
        """Ask for both values at once, at full resolution. A chip that loses power comes back like this by itself."""
        yield CONFIGURE

    def measure(self) -> gw.Measuring:
        """Measure once."""
        return convert((yield from gw.asked(MEASURE, DURATION, ANSWER)))


_STANTON = "LawrenceStanton/HDC1080 Test/HDC1080.test.cpp, get{Temperature,Humidity}StaticImplementsExpectedEquation"
_SENLIB = "lexruee/senlib tests/test_hdcx.py, test_measure_hdc1008"

VECTORS = tuple(
    gw.vector(variant, frame, temperature=t, humidity=h, tolerance=by, source=source)
    for variant, frame, t, h, by, source in (
        ("hdc1080", "12 34 12 34", -28.26751, 7.1105957, 1e-5, _STANTON),
        ("hdc1080", "12 34 00 00", -28.26751, 0, 1e-5, _STANTON),
        ("hdc1008", "5f 5f 91 91", 21.47, 56.86, 0.005, _SENLIB),
    )
)

SPEC = gw.DriverSpec(
    name="hdc1080",
    summary="TI HDC1000, HDC1008, HDC1010, HDC1050, HDC1080: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, _options, _address: Hdc1080(variant),
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    heeds=gw.Heeds(alone=b"\x00\x01", with_data=b"\x00\x01\x02"),
)
