"""The arithmetic of BME280 and BMP280: trimming data, and counts to physical values.

BST-BME280-DS002 rev 1.6, table 16 and section 8.1, in floating point.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sensor_gateway.driver import BadFrame

LENGTHS = (26, 7)
"""Of the trimming data: 88 to A1, and that of humidity, E1 to E7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """The coefficients that Bosch burnt into one chip: T1..T3, P1..P9 and, for a BME280, H1..H6 (table 16)."""

    t: tuple[int, ...]
    p: tuple[int, ...]
    h: tuple[int, ...] | None


def trimming(block: bytes, humidity: bytes | None = None) -> Trimming:
    """Coefficients from the registers 88..A1 and E1..E7. BadFrame for what no chip was delivered with."""
    if len(block) != LENGTHS[0] or (humidity is not None and len(humidity) != LENGTHS[1]):
        raise BadFrame("trimming data of the wrong length", expected="26 and 7 bytes", got=block + (humidity or b""))
    if any(len(set(part)) == 1 for part in (block, humidity) if part):
        raise BadFrame("trimming data of a wire that carries nothing", got=block + (humidity or b""))
    numbers = struct.unpack("<HhhH8h", block[:24])
    if 0 in (numbers[0], numbers[3]):
        raise BadFrame("trimming data without T1 or P1", got=block)
    if humidity is None:
        return Trimming(t=numbers[:3], p=numbers[3:], h=None)
    h2, h3, e4, e5, e6, h6 = struct.unpack("<hBbBbb", humidity)
    # H4 and H5 are 12 bits each, signed, and share E5: its low nibble ends H4, its high one ends H5.
    return Trimming(t=numbers[:3], p=numbers[3:], h=(block[25], h2, h3, e4 << 4 | e5 & 0x0F, e6 << 4 | e5 >> 4, h6))


def celsius(t: tuple[int, ...], adc: int) -> tuple[int, float]:
    """The fine temperature that the other formulas take, and degrees Celsius."""
    rough = (adc / 16384 - t[0] / 1024) * t[1]
    bend = (adc / 131072 - t[0] / 8192) ** 2 * t[2]
    return int(rough + bend), (rough + bend) / 5120


def hectopascal(p: tuple[int, ...], fine: int, adc: int) -> float:
    """Pressure. BadFrame for trimming data that gives none."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = p
    warm = fine / 2 - 64000
    offset = (warm * warm * p6 / 32768 + warm * p5 * 2) / 4 + p4 * 65536
    slope = (1 + (p3 * warm * warm / 524288 + p2 * warm) / 524288 / 32768) * p1
    if slope == 0:
        raise BadFrame("trimming data gives no pressure", got=str(p))
    pascal = (1048576 - adc - offset / 4096) * 6250 / slope
    pascal += (p9 * pascal * pascal / 2147483648 + pascal * p8 / 32768 + p7) / 16
    return pascal / 100


def percent(h: tuple[int, ...], fine: int, adc: int) -> float:
    """Relative humidity, cropped to what is physical."""
    h1, h2, h3, h4, h5, h6 = h
    warm = fine - 76800
    slope = h2 / 65536 * (1 + h6 / 67108864 * warm * (1 + h3 / 67108864 * warm))
    found = (adc - (h4 * 64 + h5 / 16384 * warm)) * slope
    found *= 1 - h1 * found / 524288
    return min(max(found, 0.0), 100.0)
