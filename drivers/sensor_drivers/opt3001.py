"""Texas Instruments OPT3001 on I2C: illuminance, from 0.01 lx to 83 klx. It finds its range by itself.

Datasheet: TI SBOS681 (cited below by its headings). Address 44 to 47 (pin ADDR). No checksum.

The answer, the result register 00 ("result register")::

    byte    0                       1
            exponent 3..0, 11..8    7..0        lx = 0.01 x 2^exponent x the other 12 bits
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Registers ("register maps").
READ_RESULT = gw.WriteRead(b"\x00", 2)
READ_CONFIGURATION = gw.WriteRead(b"\x01", 2)
READ_MANUFACTURER_ID = gw.WriteRead(b"\x7e", 2)
READ_DEVICE_ID = gw.WriteRead(b"\x7f", 2)
WRITABLE = b"\x01\x02\x03"  # configuration, low limit, high limit
MANUFACTURER_ID, DEVICE_ID = b"\x54\x49", b"\x30\x01"

# Configuration ("configuration register"): RN 15:12, CT 11, M 10:9, OVF 8, CRF 7, FH 6, FL 5, L 4, POL 3, ME 2, FC 1:0.
AUTOMATIC = 0xC000  # RN: full-scale range found by the chip before each conversion
CONTINUOUS = 0x0600
LATCH = 0x0010  # as after power-on
OVF = 0x0100
OURS = 0xFE00  # RN, CT and M: what we set and nobody else may change

Conversion: TypeAlias = Literal["800ms", "100ms"]
CONVERSIONS = {  # CT, and the time until a result: 883 and 113 ms at most (section 6.5), and slack as in Linux
    "800ms": (0x0800, gw.Wait(1.0)),
    "100ms": (0x0000, gw.Wait(0.15)),
}

HIGHEST_EXPONENT = 0b1011
SATURATED = 0xBFFF
BRIGHTEST = 83_865.6  # full scale of the widest range

_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=BRIGHTEST, resolution=0.01, deadband=1.0)

VARIANTS = {
    "opt3001": gw.Variant(
        addresses=(0x44, 0x45, 0x46, 0x47),
        channels=(_LUX,),
        wire_bits=gw.wire_bits(READ_RESULT, READ_CONFIGURATION),
        part="OPT3001",
        has_identity=True,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    conversion: Annotated[Conversion, "800ms: sees moonlight; 100ms: quicker, with more noise below some lux"] = "800ms"


def convert(configuration: bytes, result: bytes) -> gw.Values:
    """Illuminance of one answer and the flags beside it. Total: a value within limits, BadFrame or OverRange."""
    flags, word = gw.number(configuration, 2, what="configuration"), gw.number(result, 2, what="result register")
    if flags & OVF or word == SATURATED:
        raise gw.OverRange(f"the light is brighter than the {BRIGHTEST} lx that the chip can measure")
    exponent = word >> 12
    if exponent > HIGHEST_EXPONENT:
        raise gw.BadFrame("result with an exponent that does not exist", expected="0 to B", got=result)
    return {"illuminance": ((word & 0x0FFF) << exponent) / 100}


class Opt3001:
    """One chip. It converts all the time."""

    def __init__(self, options: Options) -> None:
        """Work out the configuration; nothing is sent yet."""
        time, self._first_value = CONVERSIONS[options.conversion]
        self._ours = AUTOMATIC | time | CONTINUOUS
        self._configure = gw.Write(b"\x01" + (self._ours | LATCH).to_bytes(2, "big"))

    def identify(self) -> gw.Identifying:
        """Check both ids."""
        yield from gw.identified(READ_MANUFACTURER_ID, MANUFACTURER_ID, what="manufacturer id, register 7E")
        yield from gw.identified(READ_DEVICE_ID, DEVICE_ID, what="device id, register 7F")
        return gw.Identity(part="OPT3001", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Start converting, and wait for the first value."""
        yield self._configure
        yield self._first_value

    def measure(self) -> gw.Measuring:
        """Read the newest value."""
        result = yield READ_RESULT
        configuration = yield READ_CONFIGURATION  # after the result, which is darkness where power was lost
        if int.from_bytes(configuration, "big") & OURS != self._ours:
            # Shut down after a loss of power, it would show its last or no light for ever.
            raise gw.NotReady("the chip has lost its configuration: it lost power")
        return convert(configuration, result)


_TABLE = "TI SBOS681, examples of decoding the result register; eldruin/opt300x-rs tests/integration.rs, "

VECTORS = tuple(
    gw.vector("opt3001", "ce 90", result, illuminance=lux, source=source)
    for result, lux, source in (
        ("00 01", 0.01, _TABLE + "lux_0_01"),
        ("0f ff", 40.95, _TABLE + "lux_40"),
        ("34 56", 88.80, _TABLE + "lux_88"),
        ("78 9a", 2818.56, _TABLE + "lux_2818"),
        ("88 00", 5242.88, _TABLE + "lux_5242_1"),
        ("94 00", 5242.88, _TABLE + "lux_5242_2"),
        ("a2 00", 5242.88, _TABLE + "lux_5242_3"),
        ("b1 00", 5242.88, _TABLE + "lux_5242_4"),
        ("b0 01", 20.48, _TABLE + "lux_20"),
    )
)

SPEC = gw.DriverSpec(
    name="opt3001",
    summary="TI OPT3001: illuminance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Opt3001(options),
    # Frames: configuration, result.
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(with_data=WRITABLE),
)
