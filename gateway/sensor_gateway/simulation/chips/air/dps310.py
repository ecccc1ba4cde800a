"""Infineon DPS310 (v1.2) and DPS368 (v1.0): a register file behind a counting pointer, measured in command mode.

The coefficients belong to the sensor element's thermometer: with the converter's own one (TMP_EXT 0) temperature comes
out 28 °C too low, as people have found. This DPS310 is one of those that read 60 °C too much until the sequence of
Infineon's library was written. More than 8 samples overflow 24 bits unless they are shifted. Each measurement takes a
twelfth longer than the typical time of table 16. Background mode is modelled at its fastest rate; the FIFO is not.

    00 | prs_b2 | prs_b1 | prs_b0 | tmp_b2 | tmp_b1 | tmp_b0 |   08 | COEF_RDY SENSOR_RDY TMP_RDY PRS_RDY - MEAS_CTRL |
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.converter import Converter

PRS, TMP, PRS_CFG, TMP_CFG, MEAS_CFG, CFG_REG, RESET, ID = 0x00, 0x03, 0x06, 0x07, 0x08, 0x09, 0x0C, 0x0D
UNLOCK_1, UNLOCK_2, COEF, COEF_SRCE, FUSES = 0x0E, 0x0F, 0x10, 0x28, 0x62
WRITABLE: Final = {PRS_CFG, TMP_CFG, CFG_REG, UNLOCK_1, UNLOCK_2}
SOFT_RESET: Final = 0x89
COEF_RDY, SENSOR_RDY, TMP_RDY, PRS_RDY = 0x80, 0x40, 0x20, 0x10
SENSOR_READY_S, COEFFICIENTS_READY_S = 0.012, 0.040
EXTERNAL, T_SHIFT, P_SHIFT = 0x80, 0x08, 0x04
STANDBY, PRESSURE, TEMPERATURE = range(3)
BACKGROUND: Final = 0x04
SLOW: Final = 13 / 12

MEASURE_S: Final = (0.0036, 0.0052, 0.0084, 0.0148, 0.0276, 0.0532, 0.1044, 0.2068)
SCALES: Final = (524288, 1572864, 3670016, 7864320, 253952, 516096, 1040384, 2088960)
"""By the PRC bits: one sample to 128 of them (tables 16 and 9)."""

C0, C1, C00, C10, C01, C11, C20, C21, C30 = 222, -297, 79832, -56308, -2295, 1444, -9701, 111, -1289
"""A real chip's, from Infineon/DPS310-Pressure-Sensor issue 30."""

OTHER_THERMOMETER: Final = -28.3
UNCORRECTED: Final = 60.0


class Dps310:
    """One chip; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: standing by."""
        self._courses = mounting.courses
        self._needs_correction = mounting.variant == "dps310"
        self._converter = Converter()
        self._pointer = 0
        self._reset(mounting.powered_s)

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and bytes for its register and those behind it."""
        self._settle(now_s)
        if data:
            self._pointer = data[0]
        for register, value in enumerate(data[1:], start=self._pointer):
            self._take(register, value, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on. Reading a result clears its flag."""
        self._settle(now_s)
        start, end = self._pointer, min(0x100, self._pointer + count)
        answer = bytes(self._memory[start:end]).ljust(count, b"\x00")
        self._pointer = end & 0xFF
        if start < PRS + 3:
            self._memory[MEAS_CFG] &= ~PRS_RDY
        if start < TMP + 3 and end > TMP:
            self._memory[MEAS_CFG] &= ~TMP_RDY
        return answer

    def _take(self, register: int, value: int, now_s: float) -> None:
        if register == RESET and value & 0x0F == SOFT_RESET & 0x0F:
            self._reset(now_s)
        elif register == MEAS_CFG:
            self._memory[MEAS_CFG] = self._memory[MEAS_CFG] & 0xF0 | value & 0x07
            self._start(now_s)
        elif register in WRITABLE:
            self._memory[register] = value
        elif register == FUSES and (self._memory[UNLOCK_1], self._memory[UNLOCK_2]) == (0xA5, 0x96):
            self._is_corrected = value == 0x02

    def _reset(self, now_s: float) -> None:
        memory = self._memory = bytearray(0x100)
        memory[ID] = 0x10
        memory[COEF : COEF + 18] = _coefficients()
        memory[COEF_SRCE] = EXTERNAL
        self._is_corrected = not self._needs_correction
        self._powered_s = now_s
        self._converter.stop()

    def _start(self, now_s: float) -> None:
        mode = self._memory[MEAS_CFG] & 0x07
        self._temperature_s = SLOW * MEASURE_S[self._memory[TMP_CFG] & 0x07]
        self._pressure_s = SLOW * MEASURE_S[self._memory[PRS_CFG] & 0x07]
        if mode == TEMPERATURE:
            self._converter.once(now_s, self._temperature_s)
        elif mode == PRESSURE:
            self._converter.once(now_s, self._pressure_s)
        elif mode & BACKGROUND:
            self._converter.repeat(now_s, self._temperature_s + self._pressure_s)
        else:
            self._converter.stop()

    def _settle(self, now_s: float) -> None:
        if now_s + EARLY_S >= self._powered_s + SENSOR_READY_S:
            self._memory[MEAS_CFG] |= SENSOR_RDY
        if now_s + EARLY_S >= self._powered_s + COEFFICIENTS_READY_S:
            self._memory[MEAS_CFG] |= COEF_RDY
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        mode = self._memory[MEAS_CFG] & 0x07
        if mode & TEMPERATURE:
            self._show_temperature(done_s)
        if mode & PRESSURE:
            self._show_pressure(done_s)
        if not mode & BACKGROUND:
            self._memory[MEAS_CFG] &= 0xF0

    def _show_temperature(self, at_s: float) -> None:
        celsius = self._courses["temperature"](at_s)
        if not self._memory[TMP_CFG] & EXTERNAL:
            celsius += OTHER_THERMOMETER
        if not self._is_corrected:
            celsius += UNCORRECTED
        shown = self._shown((celsius - C0 / 2) / C1, self._memory[TMP_CFG], T_SHIFT)
        self._memory[TMP : TMP + 3] = shown
        self._memory[MEAS_CFG] |= TMP_RDY

    def _show_pressure(self, at_s: float) -> None:
        # The element is as warm as it is; what the thermometer makes of that is the driver's to use.
        scaled = scaled_pressure(self._courses["temperature"](at_s), self._courses["pressure"](at_s) * 100)
        self._memory[PRS : PRS + 3] = self._shown(scaled, self._memory[PRS_CFG], P_SHIFT)
        self._memory[MEAS_CFG] |= PRS_RDY

    def _shown(self, scaled: float, configuration: int, shift: int) -> bytes:
        samples = configuration & 0x07
        raw = round(scaled * SCALES[samples])
        if samples > 3 and not self._memory[CFG_REG] & shift:
            return (raw << 4 & 0xFFFFFF).to_bytes(3, "big")
        return min(0x7FFFFF, max(-0x800000, raw)).to_bytes(3, "big", signed=True)


def _coefficients() -> bytes:
    """The registers 10 to 21: twice 12 bits, twice 20, five times 16, high bits first (section 7.11)."""
    fields = ((C0, 12), (C1, 12), (C00, 20), (C10, 20), (C01, 16), (C11, 16), (C20, 16), (C21, 16), (C30, 16))
    number = 0
    for value, bits in fields:
        number = number << bits | value & ((1 << bits) - 1)
    return number.to_bytes(18, "big")


@lru_cache(maxsize=256)
def scaled_pressure(celsius: float, pascal: float) -> float:
    """The scaled pressure that means so many pascals: more pressure is less of it (section 4.9.1)."""
    t = (celsius - C0 / 2) / C1
    low, high = -4.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        terms = C00 + t * C01, C10 + t * C11, C20 + t * C21, C30
        if terms[0] + middle * (terms[1] + middle * (terms[2] + middle * terms[3])) > pascal:
            low = middle
        else:
            high = middle
    return (low + high) / 2
