"""The arithmetic of BMP384, BMP388 and BMP390: trimming data with its checksum, and counts to physical values.

BST-BMP390-DS002 rev 1.7, sections 8.4 to 8.6, in floating point.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sensor_gateway.driver import BadFrame, crc8

LENGTH = 21
"""Of the trimming data, registers 31 to 45."""

CRC = 0x1D  # CRC-8 SAE J1850: initial FF, inverted at the end (Bosch's self-test code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """The coefficients that Bosch burnt into one chip, as floating point numbers: T1..T3 and P1..P11 (section 8.4)."""

    t: tuple[float, ...]
    p: tuple[float, ...]


def trimming(block: bytes) -> Trimming:
    """Coefficients from the registers 31 to 45. BadFrame for what no chip was delivered with."""
    if len(block) != LENGTH:
        raise BadFrame("trimming data of the wrong length", expected="21 bytes", got=block)
    t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = struct.unpack("<HHbhhbbHHbbhbb", block)
    if 0 in (t1, t2):
        raise BadFrame("trimming data without T1 or T2", got=block)
    return Trimming(
        t=(t1 * 2.0**8, t2 / 2.0**30, t3 / 2.0**48),
        p=(
            *((p1 - 2.0**14) / 2.0**20, (p2 - 2.0**14) / 2.0**29, p3 / 2.0**32, p4 / 2.0**37),
            *(p5 * 2.0**3, p6 / 2.0**6, p7 / 2.0**8, p8 / 2.0**15),
            *(p9 / 2.0**48, p10 / 2.0**48, p11 / 2.0**65),
        ),
    )


def checked(block: bytes) -> bytes:
    """The trimming data behind its checksum. BadFrame where they do not fit."""
    check = crc8(block[1:], polynomial=CRC) ^ 0xFF
    if block[0] != check:
        raise BadFrame("checksum of the trimming data, register 30", expected=f"{check:02x}", got=block[:1])
    return block[1:]


def compensated(chip: Trimming, adc_p: int, adc_t: int) -> tuple[float, float]:
    """Degrees Celsius and pascals of two counts (sections 8.5 and 8.6)."""
    t1, t2, t3 = chip.t
    p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = chip.p
    above = adc_t - t1
    t = above * t2 + above * above * t3
    pascal = p5 + p6 * t + p7 * t**2 + p8 * t**3
    pascal += adc_p * (p1 + p2 * t + p3 * t**2 + p4 * t**3)
    pascal += adc_p**2 * (p9 + p10 * t) + adc_p**3 * p11
    return t, pascal
