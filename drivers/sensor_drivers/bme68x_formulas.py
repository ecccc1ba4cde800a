"""The arithmetic of BME680 and BME688: trimming data, counts to physical values, temperatures to heater settings.

BST-BME680-DS001 rev 1.9, sections 3.3 and 3.4, in floating point as Bosch's BME68x SensorAPI v4.4 has it (bme68x.c).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from sensor_gateway.driver import BadFrame, DeviceBusy, OverRange

LENGTHS = (23, 14, 5)

# Ranges of the BME680's gas converter, in percent (SensorAPI, calc_gas_resistance_low; table 16 of the datasheet).
K1 = (0, 0, 0, 0, 0, -1, 0, -0.8, 0, 0, -0.2, -0.5, 0, -1, 0, 0)
K2 = (0, 0, 0, 0, 0.1, 0.7, 0, -0.8, -0.1, 0, 0, 0, 0, 0, 0, 0)

GAS_VALID, HEAT_STAB = 0x20, 0x10
GAS_ENDS = (0, 0x3FF)
LONGEST_GAS_WAIT = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """The coefficients that Bosch burnt into one chip (tables 11 to 15): T1..T3, P1..P10, H1..H7, G1..G3."""

    t: tuple[int, ...]
    p: tuple[int, ...]
    h: tuple[int, ...]
    g: tuple[int, ...]
    res_heat_val: int
    res_heat_range: int
    range_switching_error: int


def trimming(first: bytes, second: bytes, third: bytes) -> Trimming:
    """Coefficients from the registers 8A..A0, E1..EE and 00..04. BadFrame for what no chip was delivered with."""
    blocks = (first, second, third)
    if tuple(map(len, blocks)) != LENGTHS:
        raise BadFrame("trimming data of the wrong length", expected="23, 14 and 5 bytes", got=b"".join(blocks))
    if any(len(set(block)) == 1 for block in (first, second)):
        raise BadFrame("trimming data of a wire that carries nothing", got=b"".join(blocks))
    t2, t3, p1, p2, p3, p4, p5, p7, p6, p8, p9, p10 = struct.unpack("<hbxHhbxhhbbxxhhB", first)
    e1, e2, e3, h3, h4, h5, h6, h7, t1, g2, g1, g3 = struct.unpack("<BBBbbbBbHhbb", second)
    if 0 in (t1, p1):
        raise BadFrame("trimming data without T1 or P1", got=first + second)
    return Trimming(
        t=(t1, t2, t3),
        p=(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10),
        # H1 and H2 are 12 bits each, and share E2: its low nibble ends H1, its high one ends H2.
        h=(e3 << 4 | e2 & 0x0F, e1 << 4 | e2 >> 4, h3, h4, h5, h6, h7),
        g=(g1, g2, g3),
        res_heat_val=int.from_bytes(third[:1], "big", signed=True),
        res_heat_range=third[2] >> 4 & 0x03,
        # Four bits with a sign in the SensorAPI. Adafruit and Pimoroni take no sign, periph the whole byte.
        range_switching_error=int.from_bytes(third[4:], "big", signed=True) >> 4,
    )


def celsius(chip: Trimming, adc: int) -> float:
    """Degrees of a temperature count (section 3.3.1)."""
    t1, t2, t3 = chip.t
    fine = (adc / 16384 - t1 / 1024) * t2 + (adc / 131072 - t1 / 8192) ** 2 * t3 * 16
    return fine / 5120


def pascal(chip: Trimming, adc: int, at_celsius: float) -> float:
    """Pascals of a pressure count (section 3.3.2). BadFrame for trimming data that gives none."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 = chip.p
    warm = at_celsius * 5120 / 2 - 64000
    offset = (warm * warm * p6 / 131072 + warm * p5 * 2) / 4 + p4 * 65536
    slope = (1 + (p3 * warm * warm / 16384 + p2 * warm) / 524288 / 32768) * p1
    if slope == 0:
        raise BadFrame("trimming data gives no pressure", got=str(chip.p))
    plain = (1048576 - adc - offset / 4096) * 6250 / slope
    bend = p9 * plain * plain / 2147483648 + plain * p8 / 32768 + (plain / 256) ** 3 * p10 / 131072
    return plain + (bend + p7 * 128) / 16


def percent(chip: Trimming, adc: int, at_celsius: float) -> float:
    """Relative humidity of a count, cropped to what is physical (section 3.3.3)."""
    h1, h2, h3, h4, h5, h6, h7 = chip.h
    above = adc - (h1 * 16 + h3 / 2 * at_celsius)
    line = above * h2 / 262144 * (1 + h4 / 16384 * at_celsius + h5 / 1048576 * at_celsius * at_celsius)
    return min(max(line + (h6 / 16384 + h7 / 2097152 * at_celsius) * line * line, 0.0), 100.0)


def ohm(chip: Trimming, pair: bytes, part: str) -> float:
    """Ohms of the two bytes of gas of a ``bme680`` or ``bme688``. DeviceBusy where it was not measured well."""
    adc, gas_range = pair[0] << 2 | pair[1] >> 6, pair[1] & 0x0F
    if not pair[1] & GAS_VALID:
        raise DeviceBusy("gas was not measured")
    if not pair[1] & HEAT_STAB:
        raise DeviceBusy("the heater did not reach its temperature: give it a longer `heater_duration`")
    if adc in GAS_ENDS:
        raise OverRange("the gas resistance is at the end of its range")
    return ohm_high(adc, gas_range) if part == "bme688" else ohm_low(chip, adc, gas_range)


def ohm_low(chip: Trimming, adc: int, gas_range: int) -> float:
    """Ohms of a BME680's gas count (section 3.4.1). BadFrame for trimming data that gives none."""
    switching = (1340 + 5 * chip.range_switching_error) * (1 + K1[gas_range] / 100)
    divisor = (1 + K2[gas_range] / 100) * 1.25e-7 * (1 << gas_range) * ((adc - 512) / switching + 1)
    if divisor == 0:
        raise BadFrame("trimming data gives no gas resistance", got=str(chip.range_switching_error))
    return 1 / divisor


def ohm_high(adc: int, gas_range: int) -> float:
    """Ohms of a BME688's gas count (SensorAPI, calc_gas_resistance_high)."""
    return 1e6 * (262144 >> gas_range) / (4096 + 3 * (adc - 512))


def measuring_s(samples: int, heating_s: float) -> float:
    """The typical time of so many samples and of heating (SensorAPI, bme68x_get_meas_dur, in microseconds)."""
    return (samples * 1963 + 477 * 4 + 477 * 5 + 1000) * 1e-6 + heating_s


def res_heat(chip: Trimming, heater_celsius: int, ambient_celsius: float) -> int:
    """The setting that heats to this temperature (section 3.3.5), within its byte."""
    g1, g2, g3 = chip.g
    cold = (g1 / 16 + 49) * (1 + (g2 / 32768 * 0.0005 + 0.00235) * heater_celsius)
    warm = cold + g3 / 1024 * ambient_celsius
    setting = 3.4 * (warm * (4 / (4 + chip.res_heat_range)) / (1 + chip.res_heat_val * 0.002) - 25)
    return min(0xFF, max(0, int(setting)))


def gas_wait(seconds: float) -> int:
    """The setting that heats at least so long: six bits of milliseconds, times 1, 4, 16 or 64 (section 5.3.3.3)."""
    for factor in range(4):
        steps = math.ceil(seconds * 1000 / (1 << 2 * factor))
        if steps <= 0x3F:
            return factor << 6 | steps
    return LONGEST_GAS_WAIT
