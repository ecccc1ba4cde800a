"""The arithmetic of a BME680 or BME688, turned round: physical values in, raw counts and gas ranges out.

The formulas are those of BST-BME680-DS001, sections 3.3 and 3.4; the BME688's gas formula is that of Bosch's SensorAPI.
The trimming data is that of a part that periph's authors have recorded (bme68x/bme680_test.go).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

FIRST: Final = bytes.fromhex("b5 65 03 f0 d1 8e 75 d7 58 00 9f 26 08 ff 26 1e 00 00 6a f7 24 f5 1e")
SECOND: Final = bytes.fromhex("3f 5b 2f 00 2d 14 78 9c fe 64 51 d3 ba 12")
THIRD: Final = bytes.fromhex("36 aa 16 49 13")
"""The registers 8A to A0, E1 to EE and 00 to 04."""

T1, T2, T3 = 25854, 26037, 3
P1, P2, P3, P4, P5, P6, P7, P8, P9, P10 = 36561, -10379, 88, 9887, -248, 30, 38, -2198, -2780, 30
H1, H2, H3, H4, H5, H6, H7 = 763, 1013, 0, 45, 20, 120, -100
G1, G2, G3 = -70, -11439, 18
RES_HEAT_VAL, RES_HEAT_RANGE, SWITCHING_ERROR = 54, 1, 1

GAIN_ERROR: Final = {5: 0.99, 7: 0.992, 10: 0.998, 11: 0.995, 13: 0.99}
RANGE_ERROR: Final = {4: 1.001, 5: 1.007, 7: 0.992, 8: 0.999}
"""What a BME680's gas ranges are off by (table 16)."""

GAS_BITS: Final = 10
FULL: Final = (1 << GAS_BITS) - 1
LOW_RANGES: Final = range(16)


@lru_cache(maxsize=256)
def counts_of(celsius: float, pascal: float, percent: float) -> tuple[int, int, int]:
    """The counts of temperature, pressure (20 bits each) and humidity (16); a part saturates at its ends."""
    # fine = 16 T3 y^2 / 2^6 + T2 y, where y is the count's distance from T1, in 2^14
    fine, square = celsius * 5120, 16 * T3 / 64
    root = 2 * fine / (T2 + math.sqrt(T2 * T2 + 4 * square * fine))
    temperature = _count(16384 * (root + T1 / 1024), 20)
    shown = celsius_of(temperature)
    low, high = 0, (1 << 20) - 1  # more pressure, fewer counts
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if pascal_of(middle, shown) > pascal else (low, middle)
    return temperature, low, _humidity_count(percent, shown)


def celsius_of(count: int) -> float:
    """Section 3.3.1."""
    y = (count - T1 * 16) / 16384
    return (T2 * y + 16 * T3 * y * y / 64) / 5120


def pascal_of(count: int, celsius: float) -> float:
    """Section 3.3.2."""
    x = celsius * 2560 - 64000
    offset = x * (P5 / 2 + x * P6 / 524288) + P4 * 65536
    slope = P1 * (1 + x * (P2 + P3 * x / 16384) / 17179869184)
    plain = 6250 * (1048576 - count - offset / 4096) / slope
    return plain * (1 + (P8 / 32768 + plain * (P9 / 2147483648 + plain * P10 / 2199023255552)) / 16) + P7 * 8


def _humidity_count(percent: float, celsius: float) -> int:
    """Section 3.3.3, solved: percent = bend * line^2 + line."""
    bend = H6 / 16384 + H7 / 2097152 * celsius
    line = 2 * percent / (1 + math.sqrt(1 + 4 * bend * percent))
    gain = H2 / 262144 * (1 + celsius * (H4 / 16384 + celsius * H5 / 1048576))
    return _count(line / gain + H1 * 16 + H3 / 2 * celsius, 16)


def gas_low(ohm: float) -> tuple[int, int]:
    """Count and range of a BME680: the first range in which the count is not at its end."""
    for gas_range in LOW_RANGES:
        switching = (1340 + 5 * SWITCHING_ERROR) * GAIN_ERROR.get(gas_range, 1.0)
        full = RANGE_ERROR.get(gas_range, 1.0) * (1 << gas_range) / 8e6
        count = _count(512 + switching * (1 / (full * ohm) - 1), GAS_BITS)
        if 0 < count < FULL:
            break
    return count, gas_range


def gas_high(ohm: float) -> tuple[int, int]:
    """Count and range of a BME688, alike."""
    for gas_range in LOW_RANGES:
        count = _count(512 + (1e6 * (262144 >> gas_range) / ohm - 4096) / 3, GAS_BITS)
        if 0 < count < FULL:
            break
    return count, gas_range


def heater_celsius(setting: int, ambient_celsius: float) -> float:
    """What the heater reaches with this setting (section 3.3.5, solved for the target)."""
    warm = (setting / 3.4 + 25) * (1 + RES_HEAT_VAL * 0.002) * (4 + RES_HEAT_RANGE) / 4
    cold = warm - G3 / 1024 * ambient_celsius
    return (cold / (G1 / 16 + 49) - 1) / (G2 / 32768 * 0.0005 + 0.00235)


def _count(exact: float, bits: int) -> int:
    return min((1 << bits) - 1, max(0, round(exact)))
