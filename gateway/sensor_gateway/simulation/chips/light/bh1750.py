"""ROHM BH1750FVI, ambient light (datasheet 2011.11 Rev. D): opcodes in, two bytes of counts out.

The data register keeps the last finished result, and holds 0 after power-on and reset. A result appears only when its
measurement time has passed; this part is one at the slow end of the datasheet (180 ms, 24 ms in L-resolution).

    answer: | high byte | low byte |     lux = counts / 1.2 * (69 / MTreg), half of that in H-resolution mode 2
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting

POWER_DOWN: Final = 0x00
POWER_ON: Final = 0x01
RESET: Final = 0x07
CONTINUOUS: Final = {0x10, 0x11, 0x13}
ONE_TIME: Final = {0x20, 0x21, 0x23}
MODE_2: Final = {0x11, 0x21}
L_RESOLUTION: Final = {0x13, 0x23}

DEFAULT_MTREG: Final = 69
SLOWEST_H_S: Final = 0.180
SLOWEST_L_S: Final = 0.024
COUNTS_PER_LUX: Final = 1.2
NEVER: Final = float("inf")


class Bh1750:
    """One BH1750. ``slowest_h_s`` is the H-resolution measurement time at the default MTreg."""

    def __init__(self, mounting: Mounting, *, slowest_h_s: float = SLOWEST_H_S) -> None:
        """Fresh from power-on: powered down, data register 0."""
        self._lux = mounting.courses["illuminance"]
        self._slowest_h_s = slowest_h_s
        self._is_on = False
        self._mtreg = DEFAULT_MTREG
        self._answer = b"\x00\x00"
        self._ready_s = NEVER
        self._period_s: float | None = None
        self._counts_per_lux = COUNTS_PER_LUX
        self._known: tuple[float, bytes] = (-1.0, b"\x00\x00")

    def write(self, data: bytes, now_s: float) -> None:
        """One opcode a byte, as "Instruction Set Architecture" lists them; unknown ones are not acknowledged."""
        if now_s + EARLY_S >= self._ready_s:
            self._settle(now_s)
        for opcode in data:
            if opcode in CONTINUOUS or opcode in ONE_TIME:
                self._start(opcode, now_s)
            else:
                self._obey(opcode)

    def read(self, count: int, now_s: float) -> bytes:
        """The data register; SDA stays high (FF) after its two bytes."""
        if now_s + EARLY_S >= self._ready_s:
            self._settle(now_s)
        if count == len(self._answer):
            return self._answer
        return self._answer[:count].ljust(count, b"\xff")

    def _obey(self, opcode: int) -> None:
        if opcode == POWER_DOWN:
            self._is_on = False
            self._ready_s = NEVER
        elif opcode == POWER_ON:
            self._is_on = True
        elif opcode == RESET:
            # "Reset command is not acceptable in Power Down mode."
            if self._is_on:
                self._answer = b"\x00\x00"
        elif opcode >> 3 == 0b01000:
            self._mtreg = (opcode & 0x07) << 5 | self._mtreg & 0x1F
        elif opcode >> 5 == 0b011:
            self._mtreg = self._mtreg & 0xE0 | opcode & 0x1F
        else:
            raise Nack(f"a BH1750 knows no opcode {opcode:02x}")

    def _start(self, opcode: int, now_s: float) -> None:
        # One-time commands are taken in power-down too: Linux (iio/light/bh1750.c) counts on it, and real parts comply.
        slowest_s = SLOWEST_L_S if opcode in L_RESOLUTION else self._slowest_h_s
        duration_s = slowest_s * self._mtreg / DEFAULT_MTREG
        self._counts_per_lux = COUNTS_PER_LUX * self._mtreg / DEFAULT_MTREG * (2 if opcode in MODE_2 else 1)
        self._ready_s = now_s + duration_s
        self._period_s = duration_s if opcode in CONTINUOUS else None
        self._is_on = True

    def _settle(self, now_s: float) -> None:
        """Take over the newest measurement that is finished by now."""
        done_s = self._ready_s
        if now_s + EARLY_S < done_s:
            return
        if self._period_s is None:
            self._ready_s = NEVER
            self._is_on = False
        else:
            done_s += int((now_s + EARLY_S - done_s) / self._period_s) * self._period_s
            self._ready_s = done_s + self._period_s
        self._answer = self._encoded(self._lux(done_s) * self._counts_per_lux)

    def _encoded(self, counts: float) -> bytes:
        if counts != self._known[0]:
            whole = min(0xFFFF, max(0, round(counts)))
            self._known = (counts, whole.to_bytes(2, "big"))
        return self._known[1]
