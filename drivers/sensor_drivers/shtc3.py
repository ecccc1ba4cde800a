"""Sensirion SHTC3 and SHTC1 on I2C: temperature and relative humidity, each word with a checksum.

Datasheets: Sensirion SHTC3, version 4 (sections cited below are its own), SHTC1, version 3. Address 70.

The answer to a measurement (section 5.4)::

    byte    0      1      2      3      4      5
            t_msb  t_lsb  t_crc  h_msb  h_lsb  h_crc

The commands without clock stretching are used: while the chip is busy it refuses its address. An SHTC3 can sleep, and
then hears one command only; it is woken, and never put to sleep.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Commands (sections 5.1 to 5.9).
WAKEUP = gw.Write(b"\x35\x17")
SOFT_RESET = gw.Write(b"\x80\x5d")
READ_ID_REGISTER = gw.Write(b"\xef\xc8")
ANSWER, WORD = gw.Read(6), gw.Read(3)

# Power-up, reset and wake-up take 0.24 ms at most (section 3.1, table 5; Zephyr's shtcx.h).
COMMAND_TIME = gw.Wait(0.001)

# The bits of the id register that are fixed, and their values (section 5.9; SHTC1 section 5.7; Linux, hwmon/shtc1.c).
# Zephyr's shtcx.h and dbrgn/shtcx-rs hold that bit 11 is 0 in an SHTC1; that is not relied on here.
IDS = {"shtc3": (0x083F, 0x0807), "shtc1": (0x003F, 0x0007)}

Power: TypeAlias = Literal["normal", "low"]
# Command (section 5.3) and longest duration, the SHTC1's (SHTC1 section 2.2; low power application note). Linux
# (hwmon/shtc1.c) has the same 14.4 and 1 ms, and 12.1 and 0.8 ms for an SHTC3; so has dbrgn/shtcx-rs, with 0.94 ms.
MEASURE = {
    "normal": (gw.Write(b"\x78\x66"), gw.Wait(0.0144)),
    "low": (gw.Write(b"\x60\x9c"), gw.Wait(0.001)),
}

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)


def _variant(part: str, *, has_identity: bool) -> gw.Variant:
    bits = gw.wire_bits(MEASURE["normal"][0], ANSWER)
    return gw.Variant(addresses=(0x70,), channels=(_T, _H), wire_bits=bits, part=part, has_identity=has_identity)


# Nothing in the id of an SHTC1 says that it is no SHTC3.
VARIANTS = {"shtc3": _variant("SHTC3", has_identity=True), "shtc1": _variant("SHTC1", has_identity=False)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    power: Annotated[Power, "normal: 14.4 ms; low: 1 ms, less current and more noise"] = "normal"


def convert(frame: bytes) -> gw.Values:
    """Values of one answer (section 5.11). Total: values within limits, BadFrame or OverRange."""
    t, h = gw.checked_words(frame, 2)
    return {"temperature": gw.within(_T, -45 + 175 * t / 65536), "humidity": 100 * h / 65536}


class Shtc3:
    """One chip. It is idle between measurements."""

    def __init__(self, variant: str, options: Options) -> None:
        """Choose the command; nothing is sent yet."""
        self._part = variant.upper()
        self._mask, self._id = IDS[variant]
        self._command, self._duration = MEASURE[options.power]

    def identify(self) -> gw.Identifying:
        """Wake the chip, should it sleep, and check its id."""
        with suppress(gw.Nack):  # an SHTC1 cannot sleep, and does not know the command
            yield WAKEUP
        yield COMMAND_TIME
        (found,) = gw.checked_words((yield from gw.asked(READ_ID_REGISTER, COMMAND_TIME, WORD)), 1)
        if found & self._mask != self._id:
            expected = f"{self._id:04x} in the bits {self._mask:04x}, an {self._part}"
            raise gw.WrongChip("id register, command efc8", expected=expected, got=f"{found:04x}")
        return gw.Identity(part=self._part, channels=("temperature", "humidity"))

    def setup(self) -> gw.Preparing:
        """Reset the chip."""
        yield SOFT_RESET
        yield COMMAND_TIME

    def measure(self) -> gw.Measuring:
        """Measure once."""
        return convert((yield from gw.asked(self._command, self._duration, ANSWER)))


def _vector(frame: str, t: float, h: float, by: float, source: str, variant: str = "shtc3") -> gw.Vector:
    return gw.vector(variant, frame, temperature=t, humidity=h, tolerance=by, source=source)


_FIGURE = "64 8b c7 a1 33 1c"
_CLOCK = "NickoScope/AnimatedPixelClock, host test of src/climate/shtc3.h, conversionEnds: 8000; CRC of SHT4x"

# Some divide by 65535, as for the SHT3x; both data sheets say 2 to the 16th, and so do Linux and dbrgn.
VECTORS = (
    _vector(_FIGURE, 23.7, 63.0, 0.05, "SHTC3 version 4, figure 7 and its caption"),
    _vector(_FIGURE, 23.730, 62.968, 0.001, "dbrgn/shtcx-rs src/lib.rs, measure_low_power"),
    _vector(_FIGURE, 23.730, 62.968, 0.001, "dbrgn/shtcx-rs src/lib.rs, measure_normal", "shtc1"),
    _vector("80 00 a2 80 00 a2", 42.50, 50.00, 1e-6, _CLOCK),
)

SPEC = gw.DriverSpec(
    name="shtc3",
    summary="Sensirion SHTC3, SHTC1: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Shtc3(variant, options),
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    # Noise moves the last bits of a temperature all the time. Humidity may stand still: at 0 and 100 %.
    frozen_after={"temperature": 300},
    # Measurements (section 5.3), sleep, wake-up and reset; reading the id is no act.
    heeds=gw.Heeds(with_data=b"\x7c\x5c\x78\x58\x64\x44\x60\x40\xb0\x35\x80"),
)
