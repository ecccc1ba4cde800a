"""Bosch BME280 (BST-BME280-DS001) and BMP280 (BST-BMP280-DS001): a register file behind an auto-increment pointer.

A part with Bosch's own worked-example coefficients (BMP280 datasheet, section 3.12). Raw values are found by inverting
the datasheet's compensation formulas, so that a correct driver gets the physical value back. Measurement times are the
longest of the datasheet's appendix B; until then the data registers keep what they held.

    F7 | press msb | lsb | xlsb 7:4 | FA temp msb | lsb | xlsb 7:4 | FD hum msb | lsb |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.bosch import CALIBRATION_BME280, CALIBRATION_BMP280, Raw, raw_of
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting

ID: Final = 0xD0
RESET: Final = 0xE0
CTRL_HUM: Final = 0xF2
STATUS: Final = 0xF3
CTRL_MEAS: Final = 0xF4
CONFIG: Final = 0xF5
DATA: Final = 0xF7

CHIP_IDS: Final = {"bme280": 0x60, "bmp280": 0x58}
RESET_WORD: Final = 0xB6
MEASURING: Final = 0x08
IM_UPDATE: Final = 0x01
NVM_COPY_S: Final = 0.002
SKIPPED: Final = Raw(temperature=0x80000, pressure=0x80000, humidity=0x8000)
OVERSAMPLING: Final = (0, 1, 2, 4, 8, 16, 16, 16)
FILTER: Final = (1, 2, 4, 8, 16, 16, 16, 16)
STANDBY_S: Final = (0.0005, 0.0625, 0.125, 0.25, 0.5, 1.0, 0.01, 0.02)
STANDBY_BMP280_S: Final = (*STANDBY_S[:6], 2.0, 4.0)
NEVER: Final = float("inf")


class Bme280:
    """One BME280, or BMP280 where the mounting's variant says so."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep, data registers as after reset."""
        self._has_humidity = mounting.variant != "bmp280"
        self._courses = mounting.courses
        self._memory = bytearray(0x100)
        self._pointer = 0
        for start, content in (CALIBRATION_BME280 if self._has_humidity else CALIBRATION_BMP280).items():
            self._memory[start : start + len(content)] = content
        self._memory[ID] = CHIP_IDS["bme280" if self._has_humidity else "bmp280"]
        self._reset(mounting.powered_s)

    def write(self, data: bytes, now_s: float) -> None:
        """One byte sets the pointer; more are pairs of register and value (section 6.2.1)."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        for register, value in zip(data[::2], data[1::2], strict=False):
            self._store(register, value, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """``count`` registers from the pointer on."""
        self._settle(now_s)
        start = self._pointer
        self._pointer = start + count & 0xFF
        content = bytes(self._memory[start : start + count])
        return content if len(content) == count else content.ljust(count, b"\x00")

    def _store(self, register: int, value: int, now_s: float) -> None:
        if register == RESET and value == RESET_WORD:
            self._reset(now_s)
        elif register == CONFIG:
            self._memory[CONFIG] = value
        elif register == CTRL_HUM and self._has_humidity:
            self._memory[CTRL_HUM] = value & 0x07
        elif register == CTRL_MEAS:
            # "Changes to ctrl_hum only become effective after a write operation to ctrl_meas."
            self._memory[CTRL_MEAS] = value
            self._humidity_oversampling = OVERSAMPLING[self._memory[CTRL_HUM] & 0x07]
            self._start(now_s)

    def _reset(self, now_s: float) -> None:
        self._memory[CTRL_HUM] = self._memory[CTRL_MEAS] = self._memory[CONFIG] = 0
        self._humidity_oversampling = 0
        self._kept: tuple[float, float] | None = None
        self._ready_s = NEVER
        self._copied_s = now_s + NVM_COPY_S
        self._memory[STATUS] = IM_UPDATE
        self._show(SKIPPED)

    def _start(self, now_s: float) -> None:
        mode = self._memory[CTRL_MEAS] & 0x03
        self._ready_s = now_s + self._duration_s() if mode else NEVER
        self._memory[STATUS] = MEASURING if mode else 0

    def _duration_s(self) -> float:
        control = self._memory[CTRL_MEAS]
        temperature, pressure = OVERSAMPLING[control >> 5], OVERSAMPLING[control >> 2 & 0x07]
        humidity = self._humidity_oversampling
        milliseconds = 1.25 + 2.3 * temperature
        milliseconds += 2.3 * pressure + 0.575 if pressure else 0
        milliseconds += 2.3 * humidity + 0.575 if humidity else 0
        return milliseconds / 1000

    def _settle(self, now_s: float) -> None:
        """Take over the newest measurement that is finished by now."""
        if self._memory[STATUS] & IM_UPDATE and now_s + EARLY_S >= self._copied_s:
            self._memory[STATUS] &= ~IM_UPDATE
        done_s = self._ready_s
        if now_s + EARLY_S < done_s:
            return
        if self._memory[CTRL_MEAS] & 0x03 == 0x03:
            standby_s = (STANDBY_S if self._has_humidity else STANDBY_BMP280_S)[self._memory[CONFIG] >> 5]
            period_s = self._duration_s() + standby_s
            done_s += int((now_s + EARLY_S - done_s) / period_s) * period_s
            self._ready_s = done_s + period_s
        else:
            self._memory[CTRL_MEAS] &= ~0x03
            self._memory[STATUS] = 0
            self._ready_s = NEVER
        self._show(self._measured(done_s))

    def _measured(self, done_s: float) -> Raw:
        control = self._memory[CTRL_MEAS]
        raw = raw_of(
            celsius=self._courses["temperature"](done_s),
            pascal=self._courses["pressure"](done_s) * 100,
            percent=self._courses["humidity"](done_s) if self._humidity_oversampling else None,
        )
        temperature, pressure = self._filtered(raw)
        return Raw(
            temperature=temperature if control >> 5 else SKIPPED.temperature,
            pressure=pressure if control >> 2 & 0x07 else SKIPPED.pressure,
            humidity=raw.humidity,
        )

    def _filtered(self, raw: Raw) -> tuple[int, int]:
        """Temperature and pressure behind the IIR filter, which begins with the first value (section 3.4.4)."""
        strength = FILTER[self._memory[CONFIG] >> 2 & 0x07]
        if self._kept is None or strength == 1:
            self._kept = (raw.temperature, raw.pressure)
        else:
            old_temperature, old_pressure = self._kept
            self._kept = (
                old_temperature + (raw.temperature - old_temperature) / strength,
                old_pressure + (raw.pressure - old_pressure) / strength,
            )
        return round(self._kept[0]), round(self._kept[1])

    def _show(self, raw: Raw) -> None:
        shown = (raw.pressure << 4).to_bytes(3, "big") + (raw.temperature << 4).to_bytes(3, "big")
        if self._has_humidity:
            shown += raw.humidity.to_bytes(2, "big")
        self._memory[DATA : DATA + len(shown)] = shown
