"""Broadcom APDS-9960 (AV02-4191EN), its light part: registers of one byte behind a pointer that counts on.

Powers up asleep. With PON and AEN it measures cycle after cycle; AVALID tells that one has ended since AEN was set or
the words were read, CPSAT that the clear channel was at its end. The courses are counts at gain 4 and 37 cycles, the
scale of everything else. This part takes a tenth longer than typical.

    80 ENABLE: | PON at 0, AEN at 1 |   81 ATIME   8F CONTROL: | AGAIN(2) |   92 ID   93 STATUS   94 to 9B words
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

ENABLE, ATIME, CONTROL, ID, STATUS, WORDS = 0x80, 0x81, 0x8F, 0x92, 0x93, 0x94
CICLEAR, AICLEAR = 0xE6, 0xE7
MEASURES: Final = 0x03
AVALID, CPSAT = 0x01, 0x80
CYCLE_S, WAKE_UP_S = 0.00278 * 1.1, 0.007
GAINS: Final = (1, 4, 16, 64)
USUAL: Final = 4 * 37
NAMES: Final = ("clear", "red", "green", "blue")


class Apds9960:
    """One APDS-9960."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep."""
        self._courses = mounting.courses
        self._registers = bytearray(0x100)
        self._registers[ATIME] = 0xFF
        self._registers[ID] = 0xAB
        self._registers[STATUS] = 0x04
        self._pointer = 0
        self._converter = Converter()

    def write(self, data: bytes, now_s: float) -> None:
        """Set the pointer, and write on from there; a special function is its address alone."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        if data[0] in (CICLEAR, AICLEAR):
            self._registers[STATUS] &= ~CPSAT
        for register, byte in enumerate(data[1:], start=data[0]):
            if not ID <= register < WORDS + 8:
                self._registers[register & 0xFF] = byte
            if register == ENABLE:
                self._enable(byte, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on."""
        self._settle(now_s)
        start, self._pointer = self._pointer, self._pointer + count & 0xFF
        answer = bytes(self._registers[start : start + count]).ljust(count, b"\x00")
        if start < WORDS + 8 and start + count > WORDS:
            self._registers[STATUS] &= ~AVALID
        return answer

    def _enable(self, byte: int, now_s: float) -> None:
        if byte & MEASURES == MEASURES:
            period_s = (256 - self._registers[ATIME]) * CYCLE_S
            self._converter.repeat(now_s, period_s, first_s=WAKE_UP_S + period_s)
        else:
            self._converter.stop()
            self._registers[STATUS] &= ~(AVALID | CPSAT)

    def _settle(self, now_s: float) -> None:
        """Take over the newest cycle that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        cycles = 256 - self._registers[ATIME]
        scale = cycles * GAINS[self._registers[CONTROL] & 0b11] / USUAL
        most = min(0xFFFF, 1024 * cycles + 1)
        for place, name in enumerate(NAMES):
            counts = min(most, max(0, round(self._courses[name](done_s) * scale)))
            self._registers[WORDS + 2 * place : WORDS + 2 * place + 2] = counts.to_bytes(2, "little")
            if name == "clear" and counts == most:
                self._registers[STATUS] |= CPSAT
        self._registers[STATUS] |= AVALID
