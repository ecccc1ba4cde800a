"""The arithmetic of a BMP384, BMP388 or BMP390, turned round: physical values in, raw counts out.

The formulas are those of BST-BMP390-DS002, appendix 8.4 to 8.6. Temperature is quadratic in its count, pressure cubic:
the one is solved, the other searched. The coefficients are those of two parts that people have recorded.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

BITS: Final = 24
EXPONENTS: Final = (-8, 30, 48, 20, 29, 32, 37, -3, 6, 8, 15, 48, 48, 65)
"""What each of T1..T3 and P1..P11 is divided by: two to the power of this; from P1 and P2, 16384 is taken first."""

SHIFTED: Final = (3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One chip's trimming data, as it stands in the registers 31 to 45."""

    block: bytes

    @property
    def checksum(self) -> int:
        """What stands in register 30: CRC-8 with the polynomial 1D, begun with FF, and inverted at the end."""
        crc = 0xFF
        for byte in self.block:
            for bit in range(7, -1, -1):
                carry = (crc >> 7) ^ (byte >> bit & 1)
                crc = (crc << 1 & 0xFF) ^ (0x1D * carry)
        return crc ^ 0xFF

    def coefficients(self) -> tuple[float, ...]:
        """T1..T3 and P1..P11."""
        numbers = struct.unpack("<HHbhhbbHHbbhbb", self.block)
        return tuple(
            math.ldexp(number - (1 << 14 if place in SHIFTED else 0), -exponent)
            for place, (number, exponent) in enumerate(zip(numbers, EXPONENTS, strict=True))
        )


BMP388: Final = Part(block=bytes.fromhex("23 6b 58 49 f6 5c ff ce f4 23 00 ea 63 6e 79 f3 f6 aa 43 12 c4"))
BMP390: Final = Part(block=bytes.fromhex("98 6c a9 4a f9 e3 1c 61 16 06 01 51 4a de 5d 03 fa f9 0e 06 f5"))


@lru_cache(maxsize=256)
def counts_of(part: Part, celsius: float, pascal: float) -> tuple[int, int]:
    """The counts of temperature and pressure that mean these values. A part saturates at its ends."""
    t1, t2, t3, *_ = part.coefficients()
    # celsius = t3 * x * x + t2 * x, for the x near celsius / t2
    above = 2 * celsius / (t2 + math.sqrt(max(0.0, t2 * t2 + 4 * t3 * celsius)))
    temperature = min((1 << BITS) - 1, max(0, round(t1 + above)))
    shown = celsius_of(part, temperature)
    low, high = 0, (1 << BITS) - 1  # more pressure, fewer counts
    while low < high:
        middle = (low + high) // 2
        if pascal_of(part, middle, shown) > pascal:
            low = middle + 1
        else:
            high = middle
    return temperature, low


def celsius_of(part: Part, count: int) -> float:
    """Appendix 8.5."""
    t1, t2, t3, *_ = part.coefficients()
    return (count - t1) * (t2 + (count - t1) * t3)


def pascal_of(part: Part, count: int, celsius: float) -> float:
    """Appendix 8.6."""
    _, _, _, *p = part.coefficients()
    offset = p[4] + celsius * (p[5] + celsius * (p[6] + celsius * p[7]))
    slope = p[0] + celsius * (p[1] + celsius * (p[2] + celsius * p[3]))
    return offset + count * (slope + count * (p[8] + p[9] * celsius + count * p[10]))
