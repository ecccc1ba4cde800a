"""Analog Devices ADT7410 (rev A) and ADT7420 (rev 0): registers of one byte behind a pointer that counts on.

After power-on it converts all the time, with 13 bits, and the first conversion is a fast one that may be 5 °C off: here
3 °C too warm. In 13-bit mode the last three bits of the temperature are flags. Nothing here reacts to the setpoints but
these flags.

    00 | sign, 128 .. 1 °C | 01 | 1/2 .. 1/16 °C, T_CRIT T_HIGH T_LOW or 1/32 .. 1/128 °C | 02 | /RDY | 03 | mode |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

TEMPERATURE, STATUS, CONFIGURATION, T_HIGH, T_LOW, T_CRIT = 0x00, 0x02, 0x03, 0x04, 0x06, 0x08
SOFTWARE_RESET: Final = 0x2F
POWER_ON: Final = bytes.fromhex("00 00 00 00 20 00 05 00 49 80 05 cb")
WRITABLE: Final = range(CONFIGURATION, 0x0B)
NOT_READY: Final = 0x80
BITS_16: Final = 0x80
CONTINUOUS, ONE_SHOT, ONE_PER_SECOND, SHUT_DOWN = range(4)
CONVERSION_S: Final = 0.24
ONE_PER_SECOND_S: Final = 0.06
FAST_S: Final = 0.006
FAST_ERROR: Final = 3.0


class Adt7410:
    """One chip; the parts differ in what they are guaranteed for."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: in its first, fast conversion."""
        self._course = mounting.courses["temperature"]
        self._converter = Converter()
        self._reset(mounting.powered_s)

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and bytes for its register and those behind it."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        if self._pointer == SOFTWARE_RESET:
            self._reset(now_s)
        for place, byte in enumerate(data[1:], start=self._pointer):
            if place in WRITABLE:
                self._memory[place] = byte
            if place == CONFIGURATION:
                self._start(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on; SDA stays high (FF) behind the last one."""
        self._settle(now_s)
        start = self._pointer
        answer = bytes(self._memory[start : start + count]).ljust(count, b"\xff")
        if start <= TEMPERATURE + 1:
            self._memory[STATUS] |= NOT_READY
        return answer

    def _reset(self, now_s: float) -> None:
        self._memory = bytearray(POWER_ON)
        self._pointer = 0
        self._converter.repeat(now_s, CONVERSION_S, first_s=FAST_S)
        self._fast_until_s = now_s + FAST_S + CONVERSION_S / 2

    def _start(self, now_s: float) -> None:
        mode = self._memory[CONFIGURATION] >> 5 & 0x03
        if mode == CONTINUOUS:
            self._converter.repeat(now_s, CONVERSION_S)
        elif mode == ONE_SHOT:
            self._converter.once(now_s, CONVERSION_S)
            self._memory[STATUS] |= NOT_READY
        elif mode == ONE_PER_SECOND:
            self._converter.repeat(now_s, 1.0, first_s=ONE_PER_SECOND_S)
            self._memory[STATUS] |= NOT_READY
        else:
            self._converter.stop()

    def _settle(self, now_s: float) -> None:
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        celsius = self._course(done_s) + (FAST_ERROR if done_s < self._fast_until_s else 0.0)
        steps = min(0x7FFF, max(-0x8000, round(celsius * 128)))
        if not self._memory[CONFIGURATION] & BITS_16:
            steps = round(celsius * 16) << 3 | self._flags(steps)
        self._memory[TEMPERATURE : TEMPERATURE + 2] = (steps & 0xFFFF).to_bytes(2, "big")
        self._memory[STATUS] &= ~NOT_READY

    def _flags(self, steps: int) -> int:
        def setpoint(register: int) -> int:
            return int.from_bytes(self._memory[register : register + 2], "big", signed=True)

        return (steps > setpoint(T_CRIT)) << 2 | (steps > setpoint(T_HIGH)) << 1 | (steps < setpoint(T_LOW))
