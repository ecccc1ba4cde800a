"""The arithmetic of a Bosch environment sensor, turned round: physical values in, raw counts out.

The formulas are those of BST-BME280-DS001, section 8.1 (double precision). Each is quadratic in its count, and solved
as such; what a count means stands there too, to check one by the other. Temperature and pressure coefficients are the
worked example of BST-BMP280-DS001, section 3.12; the humidity coefficients are those of a usual part.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

T1, T2, T3 = 27504, 26435, -1000
P1, P2, P3, P4, P5, P6, P7, P8, P9 = 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000
H1, H2, H3, H4, H5, H6 = 75, 370, 0, 313, 50, 30

SKIPPED_HUMIDITY: Final = 0x8000

_T_P_BLOCK: Final = struct.pack("<HhhHhhhhhhhh", T1, T2, T3, P1, P2, P3, P4, P5, P6, P7, P8, P9)
_H_BLOCK: Final = struct.pack("<hB", H2, H3) + bytes((H4 >> 4, (H5 & 0x0F) << 4 | H4 & 0x0F, H5 >> 4 & 0xFF, H6 & 0xFF))

CALIBRATION_BMP280: Final = {0x88: _T_P_BLOCK}
CALIBRATION_BME280: Final = {0x88: _T_P_BLOCK, 0xA1: bytes((H1,)), 0xE1: _H_BLOCK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What the converter counted: 20, 20 and 16 bits."""

    temperature: int
    pressure: int
    humidity: int


@lru_cache(maxsize=256)
def raw_of(*, celsius: float, pascal: float, percent: float | None) -> Raw:
    """The counts that mean these values; humidity reads as skipped where it is None. A part saturates at its ends."""
    temperature = _count(16384 * (_root(T3 / 64, T2, celsius * 5120) + T1 / 1024), bits=20)
    fine = t_fine(temperature)
    offset, divisor = _pressure_terms(fine)
    plain_pa = _root(P9 / 34359738368, 1 + P8 / 524288, pascal - P7 / 16)
    pressure = _count(1048576 - offset - plain_pa * divisor / 6250, bits=20)
    if percent is None:
        return Raw(temperature=temperature, pressure=pressure, humidity=SKIPPED_HUMIDITY)
    zero, per_count = _humidity_terms(fine)
    humidity = _count(zero + _root(-H1 / 524288, 1, percent) / per_count, bits=16)
    return Raw(temperature=temperature, pressure=pressure, humidity=humidity)


def t_fine(count: float) -> float:
    """The temperature as Bosch carries it: 5120 a degree Celsius."""
    var1 = (count / 16384 - T1 / 1024) * T2
    var2 = (count / 131072 - T1 / 8192) ** 2 * T3
    return var1 + var2


def pressure_pa(count: float, fine: float) -> float:
    """Pascal."""
    offset, divisor = _pressure_terms(fine)
    pascal = (1048576 - count - offset) * 6250 / divisor
    return pascal + (P9 * pascal * pascal / 2147483648 + pascal * P8 / 32768 + P7) / 16


def humidity_percent(count: float, fine: float) -> float:
    """Relative humidity, within 0 to 100."""
    zero, per_count = _humidity_terms(fine)
    percent = (count - zero) * per_count
    return min(100.0, max(0.0, percent * (1 - H1 * percent / 524288)))


def _pressure_terms(fine: float) -> tuple[float, float]:
    """The datasheet's var2 / 4096 and var1, which depend on temperature only."""
    var1 = fine / 2 - 64000
    var2 = (var1 * var1 * P6 / 32768 + var1 * P5 * 2) / 4 + P4 * 65536
    var1 = (P3 * var1 * var1 / 524288 + P2 * var1) / 524288
    return var2 / 4096, (1 + var1 / 32768) * P1


def _humidity_terms(fine: float) -> tuple[float, float]:
    """The count of 0 %, and percent a count, before the last correction."""
    offset = fine - 76800
    per_count = H2 / 65536 * (1 + H6 / 67108864 * offset * (1 + H3 / 67108864 * offset))
    return H4 * 64 + H5 / 16384 * offset, per_count


def _root(square: float, line: float, wanted: float) -> float:
    """The x near ``wanted / line`` for which ``square * x * x + line * x`` is ``wanted``."""
    return 2 * wanted / (line + math.sqrt(max(0.0, line * line + 4 * square * wanted)))


def _count(exact: float, *, bits: int) -> int:
    return min((1 << bits) - 1, max(0, round(exact)))
