"""Infineon DPS310 and DPS368 on I2C: pressure and temperature.

Datasheets: Infineon DPS310 v1.2 (sections cited below), DPS368 v1.0. Addresses: 77 (SDO open or high), 76 (SDO to
ground). No checksum.

The answer, registers 00 to 05, two numbers of 24 bits in two's complement (section 8.1)::

    00       01       02        03       04       05
    prs_b2   prs_b1   prs_b0    tmp_b2   tmp_b1   tmp_b0
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw
from sensor_drivers.dps310_formulas import LENGTH, SCALES, Coefficients, coefficients, compensated

# Registers (section 7).
READ_DATA = gw.WriteRead(b"\x00", 6)
READ_SETTINGS = gw.WriteRead(b"\x06", 4)  # PRS_CFG, TMP_CFG, MEAS_CFG, CFG_REG
READ_MEAS_CFG = gw.WriteRead(b"\x08", 1)
READ_ID = gw.WriteRead(b"\x0d", 1)
READ_COEF = gw.WriteRead(b"\x10", LENGTH)
READ_COEF_SRCE = gw.WriteRead(b"\x28", 1)
PRS_CFG, TMP_CFG, CFG_REG = 0x06, 0x07, 0x09
MEASURE_TEMPERATURE, MEASURE_PRESSURE = gw.Write(b"\x08\x02"), gw.Write(b"\x08\x01")
SOFT_RESET = gw.Write(b"\x0c\x89")

ID, WHAT_ID = b"\x10", "product and revision id, register 0D, twice"
STARTED, TMP_RDY, PRS_RDY = 0xC0, 0x20, 0x10  # MEAS_CFG: COEF_RDY and SENSOR_RDY, and one for each result
EXTERNAL = 0x80  # TMP_CFG and COEF_SRCE: the sensor element's own thermometer, not the converter's
SEEN = 0x10  # PRS_CFG and TMP_CFG: a background rate, which we never use, and by which settings differ from power-on
# CFG_REG: T_SHIFT 08 and P_SHIFT 04, for more than 8 samples (so Infineon's own driver in Zephyr; Linux sets 10, which
# is another bit).
SHIFTS = 0x0C

START_UP = gw.Wait(0.040)  # "coefficients ready" (section 3.4)
CLOCK_STEP = gw.Wait(0.010)
POLL_PAUSE = gw.Wait(0.005)
POLLS = 20

Oversampling: TypeAlias = Literal[1, 2, 4, 8, 16, 32, 64, 128]
UNSHIFTED = 8

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=85, resolution=0.01, deadband=0.1)
_P = gw.Channel(quantity=gw.PRESSURE, low=300, high=1200, resolution=0.002, deadband=0.2)


def _variant(part: str) -> gw.Variant:
    bits = gw.wire_bits(MEASURE_TEMPERATURE, READ_SETTINGS, MEASURE_PRESSURE, READ_SETTINGS, READ_DATA)
    return gw.Variant(addresses=(0x77, 0x76), channels=(_T, _P), wire_bits=bits, part=part, has_identity=True)


VARIANTS = {"dps310": _variant("DPS310"), "dps368": _variant("DPS368")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures: more samples are less noise and take longer (61 ms by default, 455 ms at most)."""

    temperature_oversampling: Annotated[Oversampling, "samples per measurement"] = 16
    pressure_oversampling: Annotated[Oversampling, "samples per measurement"] = 16


def convert(chip: Coefficients, data: bytes, options: Options) -> gw.Values:
    """Values of one burst. Total: values within limits, or an error."""
    if len(data) != READ_DATA.count:
        raise gw.BadFrame("measurement of the wrong length", expected="6 bytes", got=data)
    if not any(data):
        raise gw.NotReady("the data registers hold their reset values: nothing was measured since power-on")
    raw_p, raw_t = int.from_bytes(data[:3], "big", signed=True), int.from_bytes(data[3:], "big", signed=True)
    if {raw_p, raw_t} & {0x7FFFFF, -0x800000}:
        raise gw.OverRange("a result is at the end of its 24 bits")
    celsius, pascal = compensated(
        chip, raw_p / SCALES[options.pressure_oversampling][0], raw_t / SCALES[options.temperature_oversampling][0]
    )
    return gw.all_within((_T, _P), {"temperature": celsius, "pressure": pascal / 100})


class Dps310:
    """One chip. It stands by between measurements."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out settings and times; nothing is sent yet."""
        self._variant = variant
        self._options = options
        t, p = options.temperature_oversampling, options.pressure_oversampling
        self._shifts = (t > UNSHIFTED) << 3 | (p > UNSHIFTED) << 2
        self._settings = (SEEN | p.bit_length() - 1, SEEN | t.bit_length() - 1)
        # Typical times; the longest are not told: a tenth more, and the chip tells when it is done.
        self._durations = (gw.Wait(SCALES[t][1] * 1.1e-3), gw.Wait(SCALES[p][1] * 1.1e-3))
        self._chip: Coefficients | None = None

    def identify(self) -> gw.Identifying:
        """Check the id, twice: at the same place a BMP388 or BMP390 has its clock. The two parts look alike."""
        yield from gw.identified(READ_ID, ID, what=WHAT_ID)
        yield CLOCK_STEP
        yield from gw.identified(READ_ID, ID, what=WHAT_ID)
        return gw.Identity(part=VARIANTS[self._variant].part, channels=("temperature", "pressure"))

    def setup(self) -> gw.Preparing:
        """Reset the chip, read its coefficients and set the oversampling."""
        yield SOFT_RESET
        yield START_UP
        yield from gw.until(READ_MEAS_CFG, _is_started, pause=POLL_PAUSE, tries=POLLS, otherwise="no start")
        self._chip = coefficients((yield from gw.read_twice(READ_COEF)))
        # The thermometer that the coefficients are made for (section 7.12).
        source = (yield from gw.read_twice(READ_COEF_SRCE))[0] & EXTERNAL
        p, t = self._settings[0], self._settings[1] & ~EXTERNAL | source
        self._settings = (p, t)
        yield gw.Write(bytes((PRS_CFG, p)))
        yield gw.Write(bytes((TMP_CFG, t)))
        yield gw.Write(bytes((CFG_REG, self._shifts)))
        # Last: power that is lost meanwhile takes the settings along, which is seen, and this cannot be read back.
        yield from _correct_temperature()

    def measure(self) -> gw.Measuring:
        """Measure temperature, then pressure, and read both in one burst."""
        if self._chip is None:
            raise gw.NotReady("the coefficients were not read yet")
        yield MEASURE_TEMPERATURE
        yield self._durations[0]
        yield from self._until(TMP_RDY)
        yield MEASURE_PRESSURE
        yield self._durations[1]
        yield from self._until(PRS_RDY)
        return convert(self._chip, (yield READ_DATA), self._options)

    def _until(self, ready: int) -> Generator[gw.Operation, bytes, bytes]:
        is_ready = partial(self._has, ready)
        return gw.until(READ_SETTINGS, is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="no result")

    def _has(self, ready: int, answer: bytes) -> bool:
        """Whether a result is there, made as configured: a chip that lost power has other scales."""
        p, t, status, shifts = answer
        if (p, t, shifts & SHIFTS) != (*self._settings, self._shifts):
            raise gw.NotReady("the chip is not configured (any more): it lost power")
        return bool(status & ready)


def _is_started(status: bytes) -> bool:
    return status[0] & STARTED == STARTED


def _correct_temperature() -> gw.Preparing:
    """Some DPS310 read 60 °C and more at room temperature.

    The remedy is in no datasheet. Infineon's library has it for both parts (Infineon/DPS310-Pressure-Sensor,
    correctTemp), and so has its driver in Zephyr. Linux leaves it out where bit 1 of register 32 is set.
    """
    yield gw.Write(b"\x0e\xa5")
    yield gw.Write(b"\x0f\x96")
    yield gw.Write(b"\x62\x02")
    yield gw.Write(b"\x0e\x00")
    yield gw.Write(b"\x0f\x00")


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: coefficients 10 to 21, and the burst."""
    block, data = vector.frames
    return convert(coefficients(block), data, Options(**vector.options))


_SAMPLES = {"temperature_oversampling": 64, "pressure_oversampling": 64}
_ADAFRUIT = (
    "what adafruit-circuitpython-dps310 2.1.22 makes of these registers; coefficients of a real chip, "
    "Infineon/DPS310-Pressure-Sensor issue"
)
# Those who publish results of a DPS310 leave out the raw numbers, or stand beyond its limits: these are another
# implementation's results. What ojousima/ojousima.dps310.c and others expect of the formulas is in our tests.
# Exact fractions, summed up as Linux does it, agree in all the digits.
_ISSUE_23 = "0d fe dd 13 8c af 25 1d f3 b7 05 98 d9 41 00 98 fa d7"
_ISSUE_30 = "0d ee d7 13 7d 8f 24 0c f7 09 05 a4 da 1b 00 6f fa f7"

VECTORS = tuple(
    gw.vector(variant, *frames, temperature=t, pressure=p, source=f"{_ADAFRUIT} {issue}", options=_SAMPLES)
    for variant, t, p, issue, *frames in (
        ("dps310", 25.000290277, 1004.301242059, 23, _ISSUE_23, "f9 78 b5 04 b8 06"),
        ("dps310", 26.865834154, 1006.242651242, 30, _ISSUE_30, "f9 78 b5 04 7f 40"),
        ("dps310", 74.838582677, 722.510789296, 23, _ISSUE_23, "02 10 00 02 00 00"),
        ("dps368", -5.929133858, 1161.008783270, 30, _ISSUE_30, "f4 00 00 06 40 00"),
    )
)

SPEC = gw.DriverSpec(
    name="dps310",
    summary="Infineon DPS310, DPS368: temperature, pressure",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Dps310(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    frozen_after={"pressure": 300},  # its last bits are noise: 300 equal ones come from no living chip
    heeds=gw.Heeds(with_data=b"\x06\x07\x08\x09\x0c\x0e\x0f\x62"),
)
