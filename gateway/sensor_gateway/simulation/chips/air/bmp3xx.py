"""Bosch BMP384, BMP388 (BST-BMP388-DS001) and BMP390 (BST-BMP390-DS002): a register file behind a counting pointer.

A longer write is made of pairs of register and value. A measurement takes a sixth longer than section 3.9.2 says of a
typical one. drdy rises with a result and falls when one of its registers is read. Normal mode with an output rate that
the samples do not allow is refused: conf_err, and back to sleep. FIFO and interrupts are not modelled.

    04 | press xlsb | lsb | msb | 07 | temp xlsb | lsb | msb |     30 | checksum | 31 | trimming data, 21 bytes |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.air.bosch3 import BMP388, BMP390, counts_of
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.converter import Converter

CHIP_ID, ERR_REG, STATUS, DATA, EVENT = 0x00, 0x02, 0x03, 0x04, 0x10
PWR_CTRL, OSR, ODR, CONFIG, TRIMMING, CMD = 0x1B, 0x1C, 0x1D, 0x1F, 0x30, 0x7E
PARTS: Final = {"bmp384": (0x50, BMP388), "bmp388": (0x50, BMP388), "bmp390": (0x60, BMP390)}
WRITABLE: Final = {0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, PWR_CTRL, OSR, ODR, CONFIG}
SOFT_RESET: Final = 0xB6
START_UP_S: Final = 0.002
CMD_RDY, DRDY_PRESS, DRDY_TEMP = 0x10, 0x20, 0x40
CONF_ERR: Final = 0x04
PRESS_EN, TEMP_EN = 0x01, 0x02
SLEEP, FORCED, FORCED_TOO, NORMAL = range(4)
NOT_MEASURED: Final = b"\x00\x00\x80"
SLOW: Final = 7 / 6
FASTEST_S: Final = 0.005


class Bmp3xx:
    """One chip; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep."""
        self._courses = mounting.courses
        self._id, self._part = PARTS[mounting.variant]
        self._converter = Converter()
        self._pointer = 0
        self._reset(mounting.powered_s)

    def write(self, data: bytes, now_s: float) -> None:
        """One byte sets the pointer; more are pairs of register and value."""
        self._settle(now_s)
        if data:
            self._pointer = data[0]
        for register, value in zip(data[::2], data[1::2], strict=False):
            if register == CMD and value == SOFT_RESET:
                self._reset(now_s)
            elif register in WRITABLE:
                self._memory[register] = value
                if register == PWR_CTRL:
                    self._start(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on."""
        self._settle(now_s)
        start, end = self._pointer, min(0x100, self._pointer + count)
        answer = bytes(self._memory[start:end]).ljust(count, b"\x00")
        self._pointer = end & 0xFF
        if start < DATA + 3 and end > DATA:
            self._memory[STATUS] &= ~DRDY_PRESS
        if start < DATA + 6 and end > DATA + 3:
            self._memory[STATUS] &= ~DRDY_TEMP
        return answer

    def _reset(self, now_s: float) -> None:
        memory = self._memory = bytearray(0x100)
        memory[CHIP_ID] = self._id
        memory[0x01] = 0x01
        memory[DATA : DATA + 6] = NOT_MEASURED * 2
        memory[EVENT] = 0x01
        memory[OSR] = 0x02
        memory[TRIMMING] = self._part.checksum
        memory[TRIMMING + 1 : TRIMMING + 22] = self._part.block
        self._kept: tuple[float, float] | None = None
        self._started_s = now_s + START_UP_S
        self._converter.stop()

    def _duration_s(self) -> float:
        enabled, osr = self._memory[PWR_CTRL], self._memory[OSR]
        microseconds = 234.0
        if enabled & PRESS_EN:
            microseconds += 392 + 2020 * (1 << (osr & 7))
        if enabled & TEMP_EN:
            microseconds += 163 + 2020 * (1 << (osr >> 3 & 7))
        return microseconds * 1e-6

    def _start(self, now_s: float) -> None:
        mode = self._memory[PWR_CTRL] >> 4 & 0x03
        period_s = FASTEST_S * (1 << min(0x11, self._memory[ODR] & 0x1F))
        self._memory[ERR_REG] &= ~CONF_ERR
        if mode == NORMAL and self._duration_s() > period_s:
            self._memory[ERR_REG] |= CONF_ERR
            self._memory[PWR_CTRL] &= 0x0F
            mode = SLEEP
        if mode == SLEEP:
            self._converter.stop()
        elif mode == NORMAL:
            self._converter.repeat(now_s, period_s)
        else:
            self._converter.once(now_s, self._duration_s() * SLOW)

    def _settle(self, now_s: float) -> None:
        if now_s + EARLY_S >= self._started_s:
            self._memory[STATUS] |= CMD_RDY
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        enabled = self._memory[PWR_CTRL]
        if enabled >> 4 & 0x03 != NORMAL:
            self._memory[PWR_CTRL] &= 0x0F
        counts = counts_of(self._part, self._courses["temperature"](done_s), self._courses["pressure"](done_s) * 100)
        temperature, pressure = self._filtered(counts)
        if enabled & PRESS_EN:
            self._memory[DATA : DATA + 3] = pressure.to_bytes(3, "little")
            self._memory[STATUS] |= DRDY_PRESS
        if enabled & TEMP_EN:
            self._memory[DATA + 3 : DATA + 6] = temperature.to_bytes(3, "little")
            self._memory[STATUS] |= DRDY_TEMP

    def _filtered(self, counts: tuple[int, int]) -> tuple[int, int]:
        """Both counts behind the IIR filter, which begins with the first ones (section 3.4.3)."""
        coefficient = (1 << (self._memory[CONFIG] >> 1 & 0x07)) - 1
        kept = self._kept or counts
        self._kept = (
            (kept[0] * coefficient + counts[0]) / (coefficient + 1),
            (kept[1] * coefficient + counts[1]) / (coefficient + 1),
        )
        return round(self._kept[0]), round(self._kept[1])
