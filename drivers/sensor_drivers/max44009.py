"""Maxim MAX44009 on I2C: illuminance, from 0.045 lx to 188 klx. It finds its range by itself.

Datasheet: Maxim 19-5719 (cited below by its headings). Address 4A (A0 low) or 4B (A0 high). No identity, no checksum.

The answer, Lux High-Byte 03 and Lux Low-Byte 04::

    byte    03                      04
            exponent 3..0, 7..4     0000, 3..0      lx = 0.045 x 2^exponent x the other 8 bits; exponent F: overrange
"""

from __future__ import annotations

import sensor_gateway.driver as gw

# Registers ("register map"). The pointer does not count on: two bytes read from 03 are the same byte twice (seen on a
# real chip, RobTillaart/Arduino issue 105), so Linux (iio/light/max44009.c) asks for each. Linux keeps the two of one
# measurement by repeated starts; here, the high byte is read again.
READ_CONFIGURATION = gw.WriteRead(b"\x02", 1)
READ_LUX_HIGH = gw.WriteRead(b"\x03", 1)
READ_LUX_LOW = gw.WriteRead(b"\x04", 1)
WRITABLE = b"\x01\x02\x05\x06\x07"  # interrupt enable, configuration, thresholds and their timer
CONT, MANUAL = 0x80, 0x40  # configuration: measure all the time; integration time and current divider as written
CONTINUOUS = gw.Write(bytes((0x02, CONT)))
FIRST_VALUE = gw.Wait(0.9)  # the longest integration, 800 ms ("integration timer bits"), and some
READS = 4

OVERRANGE = 0b1111
LUX_PER_COUNT = 0.045
BRIGHTEST = LUX_PER_COUNT * 255 * 2**14

_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=BRIGHTEST, resolution=LUX_PER_COUNT, deadband=1.0)

WIRE_BITS = gw.wire_bits(READ_LUX_HIGH, READ_LUX_LOW, READ_LUX_HIGH)
VARIANTS = {"max44009": gw.Variant(addresses=(0x4A, 0x4B), channels=(_LUX,), wire_bits=WIRE_BITS, part="MAX44009")}


def convert(high: bytes, low: bytes) -> gw.Values:
    """Illuminance of both registers. Total: a value within limits, BadFrame or OverRange."""
    upper, lower = gw.number(high, 1, what="Lux High-Byte"), gw.number(low, 1, what="Lux Low-Byte")
    exponent = upper >> 4
    if exponent == OVERRANGE:
        raise gw.OverRange("the light is brighter than the chip can measure")
    mantissa = (upper & 0x0F) << 4 | lower & 0x0F
    return {"illuminance": (mantissa << exponent) * LUX_PER_COUNT}


class Max44009:
    """One chip. It measures all the time."""

    def identify(self) -> gw.Identifying:
        """Only see that somebody answers: the chip has no identity."""
        yield READ_CONFIGURATION
        return gw.Identity(part="MAX44009 (it has no identity register)", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Measure all the time, in ranges of the chip's choice, and wait for the first value."""
        yield CONTINUOUS
        yield FIRST_VALUE

    def measure(self) -> gw.Measuring:
        """Read the newest value."""
        values = convert(*(yield from gw.read_together(READ_LUX_HIGH, READ_LUX_LOW, tries=READS)))
        if values["illuminance"] == 0:
            # So reads a chip that lost power and has not measured since. Afterwards it measures as well as with ours.
            configuration = yield READ_CONFIGURATION
            if configuration[0] & (CONT | MANUAL) != CONT:
                raise gw.NotReady("the chip has lost its configuration: it lost power")
        return values


def _vector(high: int, low: int, lux: float, by: float, source: str) -> gw.Vector:
    return gw.vector("max44009", bytes((high,)), bytes((low,)), illuminance=lux, tolerance=by, source=source)


_MAXIM = "MAX44009 19-5719, Lux Low-Byte register"
_ELDRUIN = "eldruin/max44009-rs src/reading.rs, can_convert_to_lux"

VECTORS = (
    _vector(0b0000_0000, 0b0001, 0.045, 1e-9, _MAXIM),
    _vector(0b0000_0001, 0b0000, 0.72, 1e-9, _MAXIM),
    _vector(0b1110_1111, 0b1111, 188_006, 0.5, _MAXIM),
    _vector(0b1110_1111, 0b1110, 187_269, 0.5, _MAXIM),
    # The datasheet's page prints 0.765 for this code, as if its exponent were 0.
    _vector(0b0001_0001, 0b0001, 1.53, 1e-9, _ELDRUIN),
    _vector(0b1110_1111, 0b0000, 176_947, 0.5, _ELDRUIN),
    _vector(0b1110_1110, 0b0000, 165_151, 0.5, _ELDRUIN),
)

SPEC = gw.DriverSpec(
    name="max44009",
    summary="Maxim MAX44009: illuminance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, _options, _address: Max44009(),
    # Frames: high byte, low byte.
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    heeds=gw.Heeds(with_data=WRITABLE),
)
