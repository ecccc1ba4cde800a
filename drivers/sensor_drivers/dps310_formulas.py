"""The arithmetic of DPS310 and DPS368: coefficients, and scaled results to physical values.

Infineon DPS310 v1.2, sections 4.9 and 7.11, tables 9 and 16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sensor_gateway.driver import BadFrame

LENGTH = 18
"""Of the coefficients, registers 10 to 21."""

# Scale factor (table 9) and measurement time, typical, in milliseconds (table 16). Both are in Zephyr's dps310.c, the
# times rounded up; the factors in Linux too (iio/pressure/dps310.c).
SCALES = {
    1: (524288, 3.6),
    2: (1572864, 5.2),
    4: (3670016, 8.4),
    8: (7864320, 14.8),
    16: (253952, 27.6),
    32: (516096, 53.2),
    64: (1040384, 104.4),
    128: (2088960, 206.8),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """What Infineon burnt into one chip (section 7.11)."""

    c0: int
    c1: int
    c00: int
    c10: int
    c01: int
    c11: int
    c20: int
    c21: int
    c30: int


def coefficients(block: bytes) -> Coefficients:
    """Coefficients from the registers 10 to 21. BadFrame for what no chip was delivered with."""
    if len(block) != LENGTH:
        raise BadFrame("coefficients of the wrong length", expected="18 bytes", got=block)
    if len(set(block)) == 1:
        raise BadFrame("coefficients of a wire that carries nothing", got=block)
    pair, quad = int.from_bytes(block[:3], "big"), int.from_bytes(block[3:8], "big")
    c01, c11, c20, c21, c30 = struct.unpack(">5h", block[8:])
    return Coefficients(
        c0=_signed(pair >> 12, 12),
        c1=_signed(pair, 12),
        c00=_signed(quad >> 20, 20),
        c10=_signed(quad, 20),
        c01=c01,
        c11=c11,
        c20=c20,
        c21=c21,
        c30=c30,
    )


def _signed(number: int, bits: int) -> int:
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> bits - 1 else number


def compensated(chip: Coefficients, p: float, t: float) -> tuple[float, float]:
    """Degrees Celsius and pascals of two scaled results (section 4.9)."""
    celsius = chip.c0 / 2 + chip.c1 * t
    pascal = chip.c00 + p * (chip.c10 + p * (chip.c20 + p * chip.c30)) + t * chip.c01
    return celsius, pascal + t * p * (chip.c11 + p * chip.c21)
