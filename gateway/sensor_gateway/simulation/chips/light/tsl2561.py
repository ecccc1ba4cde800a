"""ams (TAOS) TSL2561 (TAOS059N): registers of one byte behind a command byte; two are read as one word.

Powers up powered down, counting nothing. With power it integrates again and again, and both channels get their new
counts at the end of each. This part has the slowest oscillator (690 kHz where 735 is nominal), and sees light of which
three tenths are infrared. Its package is T, FN or CL, unless the options say CS.

    command: | 1 CLEAR WORD BLOCK address(4) |   0 CONTROL   1 TIMING (GAIN at 4, INTEG(2))   A ID   C D   E F channels
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

POWER: Final = 0x03
CYCLES: Final = (11, 81, 322)
CYCLE_S: Final = 918 / 690_000
MOST: Final = (5047, 37_177, 65_535)
INFRARED: Final = 0.3
"""Channel 1 over channel 0."""

LUX_PER_COUNT: Final = {False: 0.0304 - 0.062 * INFRARED**1.4, True: 0.0315 - 0.0593 * INFRARED**1.4}
"""Of channel 0 at gain 16 and 402 ms, for such light ("calculating lux"); for a CS package."""

WRITABLE: Final = {0x0: 0x03, 0x1: 0x1B, 0x2: 0xFF, 0x3: 0xFF, 0x4: 0xFF, 0x5: 0xFF, 0x6: 0x3F}


class Tsl2561:
    """One TSL2561."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: powered down."""
        self._lux = mounting.courses["illuminance"]
        is_cs = getattr(mounting.options, "package", "") == "cs"
        self._lux_per_count = LUX_PER_COUNT[is_cs]
        self._registers = bytearray(0x10)
        self._registers[0x1] = 0x02
        self._registers[0xA] = 0x14 if is_cs else 0x50
        self._pointer = 0
        self._converter = Converter()

    def write(self, data: bytes, now_s: float) -> None:
        """A command, and what goes into the registers from its address on."""
        self._settle(now_s)
        if not data or not data[0] & 0x80:
            return
        self._pointer = data[0] & 0x0F
        for register, byte in enumerate(data[1:], start=self._pointer):
            if register in WRITABLE:
                self._registers[register] = byte & WRITABLE[register]
            if register <= 0x1:
                self._restart(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """Registers from the command's address on."""
        self._settle(now_s)
        return bytes(self._registers[(self._pointer + place) & 0x0F] for place in range(count))

    def _restart(self, now_s: float) -> None:
        if self._registers[0x0] & POWER == POWER:
            self._converter.repeat(now_s, CYCLES[min(2, self._registers[0x1] & 0b11)] * CYCLE_S)
        else:
            self._converter.stop()

    def _settle(self, now_s: float) -> None:
        """Take over the newest integration that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        timing = self._registers[0x1]
        time = min(2, timing & 0b11)
        gain = 16 if timing & 0x10 else 1
        counts = self._lux(done_s) / self._lux_per_count * CYCLES[time] / 322 * gain / 16
        for register, share in ((0xC, 1.0), (0xE, INFRARED)):
            whole = min(MOST[time], max(0, round(counts * share)))
            self._registers[register : register + 2] = whole.to_bytes(2, "little")
