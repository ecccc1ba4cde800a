"""Lite-On LTR-390UV (DS86-2015-0004): registers of one byte behind a pointer that counts on.

Powers up standing by. When it is enabled, it measures light or ultraviolet, as the mode says, again and again; each
has data registers of its own. This part takes a fifth longer than the typical times, and 10 ms to wake up. Reading the
status clears what it tells.

    00 MAIN_CTRL: | reset at 4, UVS_Mode at 3, enable at 1 |   04 MEAS_RATE   05 GAIN   06 PART_ID   07 MAIN_STATUS
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

MAIN_CTRL, MEAS_RATE, GAIN, PART_ID, MAIN_STATUS = 0x00, 0x04, 0x05, 0x06, 0x07
ALS_DATA, UVS_DATA = 0x0D, 0x10
POWER_ON: Final = {MEAS_RATE: 0x22, GAIN: 0x01, PART_ID: 0xB2, MAIN_STATUS: 0x20, 0x19: 0x10, 0x21: 0xFF, 0x22: 0xFF}
READ_ONLY: Final = {PART_ID, MAIN_STATUS, *range(0x0D, 0x13)}
RESET, UVS_MODE, ENABLE, NEW_DATA = 0x10, 0x08, 0x02, 0x08
GAINS: Final = (1, 3, 6, 9, 18, 18, 18, 18)
BITS: Final = (20, 19, 18, 17, 16, 13, 13, 13)
TIMES_S: Final = (0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.0125, 0.0125)
RATES_S: Final = (0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 2.0)
SLOW, WAKE_UP_S = 1.2, 0.01
LUX: Final = 0.6
"""Of a count at gain 1 and 100 ms."""

COUNTS_PER_INDEX: Final = 2300 / 18
"""At gain 1 and 20 bits."""


class Ltr390:
    """One LTR-390UV."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: standing by."""
        self._courses = mounting.courses
        self._converter = Converter()
        self._reset()

    def write(self, data: bytes, now_s: float) -> None:
        """Set the pointer, and write on from there."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        for register, byte in enumerate(data[1:], start=data[0]):
            if register not in READ_ONLY and register < len(self._registers):
                self._registers[register] = byte
            if register == MAIN_CTRL:
                self._control(byte, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on."""
        self._settle(now_s)
        answer = bytes(self._registers[self._pointer : self._pointer + count]).ljust(count, b"\x00")
        if self._pointer <= MAIN_STATUS < self._pointer + count:
            self._registers[MAIN_STATUS] = 0
        self._pointer += count
        return answer

    def _reset(self) -> None:
        self._registers = bytearray(0x28)
        for register, byte in POWER_ON.items():
            self._registers[register] = byte
        self._pointer = 0
        self._converter.stop()

    def _control(self, byte: int, now_s: float) -> None:
        if byte & RESET:
            self._reset()
        elif byte & ENABLE:
            rate = self._registers[MEAS_RATE]
            time_s = TIMES_S[rate >> 4 & 0b111] * SLOW
            self._converter.repeat(now_s, max(time_s, RATES_S[rate & 0b111]), first_s=WAKE_UP_S + time_s)
        else:
            self._converter.stop()

    def _settle(self, now_s: float) -> None:
        """Take over the newest measurement that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        gain = GAINS[self._registers[GAIN] & 0b111]
        code = self._registers[MEAS_RATE] >> 4 & 0b111
        if self._registers[MAIN_CTRL] & UVS_MODE:
            register = UVS_DATA
            counts = self._courses["uv_index"](done_s) * COUNTS_PER_INDEX * gain * 2.0 ** (BITS[code] - 20)
        else:
            register = ALS_DATA
            counts = self._courses["illuminance"](done_s) / LUX * gain * TIMES_S[code] / 0.1
        whole = min((1 << BITS[code]) - 1, max(0, round(counts)))
        self._registers[register : register + 3] = whole.to_bytes(3, "little")
        self._registers[MAIN_STATUS] |= NEW_DATA
