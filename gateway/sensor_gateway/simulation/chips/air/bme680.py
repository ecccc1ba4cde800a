"""Bosch BME680 (BST-BME680-DS001) and BME688 (BST-BME688-DS000): a register file behind a counting pointer.

A longer write is made of pairs of register and value. Only forced mode is modelled. The gas part of a measurement heats
for as long as gas_wait says; gas is valid only if run_gas was asked for as this part wants it, and the heater is stable
only if it had 20 ms and a target between 200 and 400 °C. Measurements take a twelfth longer than the SensorAPI counts.

    1D | new_data gas_measuring measuring - index | 1F press (3) | 22 temp (3) | 25 hum (2) | 2A gas, BME688: 2C gas |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.air import bosch68
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

STATUS, PRESS, TEMP, HUM = 0x1D, 0x1F, 0x22, 0x25
RES_HEAT_0, GAS_WAIT_0, CTRL_GAS_0, CTRL_GAS_1, CTRL_HUM, CTRL_MEAS, CONFIG = 0x5A, 0x64, 0x70, 0x71, 0x72, 0x74, 0x75
ID, RESET, VARIANT_ID = 0xD0, 0xE0, 0xF0
WRITABLE: Final = {*range(0x50, 0x6E), CTRL_GAS_0, CTRL_GAS_1, CTRL_HUM, CTRL_MEAS, CONFIG}
RESET_WORD: Final = 0xB6
NEW_DATA, GAS_MEASURING, TPH_MEASURING = 0x80, 0x40, 0x20
GAS_VALID, HEAT_STAB = 0x20, 0x10
HEAT_OFF: Final = 0x08
FORCED: Final = 0x01
SAMPLES: Final = (0, 1, 2, 4, 8, 16, 16, 16)
SKIPPED: Final = bytes.fromhex("80 00 00")
SLOW: Final = 13 / 12
LEAST_HEATING_S: Final = 0.02
COLDEST, HOTTEST = 195.0, 405.0
"""The setting has steps of some degrees."""


class Bme680:
    """One BME680, or BME688 where the mounting's variant says so."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep."""
        self._courses = mounting.courses
        self._is_high = mounting.variant == "bme688"
        self._converter = Converter()
        self._pointer = 0
        self._reset()

    def write(self, data: bytes, now_s: float) -> None:
        """One byte sets the pointer; more are pairs of register and value."""
        self._settle(now_s)
        if data:
            self._pointer = data[0]
        for register, value in zip(data[::2], data[1::2], strict=False):
            if register == RESET and value == RESET_WORD:
                self._reset()
            elif register in WRITABLE:
                self._memory[register] = value
                if register == CTRL_MEAS:
                    self._start(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on."""
        self._settle(now_s)
        start, end = self._pointer, min(0x100, self._pointer + count)
        self._pointer = end & 0xFF
        return bytes(self._memory[start:end]).ljust(count, b"\x00")

    def _reset(self) -> None:
        memory = self._memory = bytearray(0x100)
        memory[0x8A:0xA1] = bosch68.FIRST
        memory[0xE1:0xEF] = bosch68.SECOND
        memory[0x00:0x05] = bosch68.THIRD
        memory[ID] = 0x61
        memory[VARIANT_ID] = self._is_high
        memory[PRESS : PRESS + 3] = memory[TEMP : TEMP + 3] = SKIPPED
        memory[HUM : HUM + 2] = b"\x80\x00"
        self._kept: tuple[float, float] | None = None
        self._converter.stop()

    def _start(self, now_s: float) -> None:
        if self._memory[CTRL_MEAS] & 0x03 != FORCED:
            self._converter.stop()
            return
        samples = sum(SAMPLES[bits] for bits in self._oversampling())
        seconds = (samples * 1963 + 477 * 9 + 1000) * 1e-6
        self._memory[STATUS] = TPH_MEASURING
        if self._runs_gas():
            self._memory[STATUS] |= GAS_MEASURING
            seconds += self._heating_s()
        self._converter.once(now_s, seconds * SLOW)

    def _oversampling(self) -> tuple[int, int, int]:
        control = self._memory[CTRL_MEAS]
        return control >> 5, control >> 2 & 0x07, self._memory[CTRL_HUM] & 0x07

    def _runs_gas(self) -> bool:
        return bool(self._memory[CTRL_GAS_1] & (0x20 if self._is_high else 0x10))

    def _heating_s(self) -> float:
        wait = self._memory[GAS_WAIT_0 + (self._memory[CTRL_GAS_1] & 0x0F)]
        return float((wait & 0x3F) * 4 ** (wait >> 6)) / 1000

    def _settle(self, now_s: float) -> None:
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        memory = self._memory
        memory[CTRL_MEAS] &= ~0x03
        memory[STATUS] = NEW_DATA
        t_samples, p_samples, h_samples = self._oversampling()
        temperature, pressure, humidity = bosch68.counts_of(
            self._courses["temperature"](done_s),
            self._courses["pressure"](done_s) * 100,
            self._courses["humidity"](done_s),
        )
        temperature, pressure = self._filtered(temperature, pressure)
        memory[TEMP : TEMP + 3] = (temperature << 4).to_bytes(3, "big") if t_samples else SKIPPED
        memory[PRESS : PRESS + 3] = (pressure << 4).to_bytes(3, "big") if p_samples else SKIPPED
        memory[HUM : HUM + 2] = humidity.to_bytes(2, "big") if h_samples else SKIPPED[:2]
        self._show_gas(done_s)

    def _filtered(self, temperature: int, pressure: int) -> tuple[int, int]:
        """Both counts behind the IIR filter, which begins with the first ones (section 3.3.4)."""
        coefficient = (1 << (self._memory[CONFIG] >> 2 & 0x07)) - 1
        kept = self._kept or (temperature, pressure)
        self._kept = (
            (kept[0] * coefficient + temperature) / (coefficient + 1),
            (kept[1] * coefficient + pressure) / (coefficient + 1),
        )
        return round(self._kept[0]), round(self._kept[1])

    def _show_gas(self, done_s: float) -> None:
        place = 0x2C if self._is_high else 0x2A
        if not self._runs_gas():
            self._memory[place : place + 2] = b"\x00\x00"
            return
        ohm = self._courses["gas_resistance"](done_s)
        count, gas_range = bosch68.gas_high(ohm) if self._is_high else bosch68.gas_low(ohm)
        setting = self._memory[RES_HEAT_0 + (self._memory[CTRL_GAS_1] & 0x0F)]
        reached = bosch68.heater_celsius(setting, self._courses["temperature"](done_s))
        is_stable = (
            not self._memory[CTRL_GAS_0] & HEAT_OFF
            and self._heating_s() >= LEAST_HEATING_S
            and COLDEST <= reached <= HOTTEST
        )
        low = (count & 0x03) << 6 | GAS_VALID | (HEAT_STAB if is_stable else 0) | gas_range
        self._memory[place : place + 2] = bytes((count >> 2, low))
