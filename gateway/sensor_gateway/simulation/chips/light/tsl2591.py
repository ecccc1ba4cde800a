"""ams TSL2591: registers of one byte behind a command byte, which counts on as they are read.

Powers up asleep. With PON and AEN it integrates again and again; AVALID tells that it has ended one since AEN was set.
Low byte first; the other bytes are kept when it is read, so that a burst is of one integration. This part takes 108 ms
where 100 are asked for, and sees a white LED: little of it in the infrared channel.

    command: | 1 transaction(2) address(5) |    00 ENABLE   01 CONTROL   12 ID   13 STATUS   14 15 C0   16 17 C1
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

NORMAL, SPECIAL = 0b01, 0b11
INTEGRATES: Final = 0x03
GAINS: Final = (1, 25, 428, 9876)
SLOW: Final = 1.08
INFRARED: Final = 0.12
"""Channel 1 over channel 0."""

RESET: Final = 0x80
WRITABLE: Final = {0x00: 0xD3, 0x01: 0xB7, 0x0C: 0x0F} | dict.fromkeys(range(0x04, 0x0C), 0xFF)


class Tsl2591:
    """One TSL2591."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep."""
        self._lux = mounting.courses["illuminance"]
        self._converter = Converter()
        self._reset()

    def write(self, data: bytes, now_s: float) -> None:
        """A command, and what goes into the registers from its address on."""
        self._settle(now_s)
        if not data or not data[0] & 0x80 or data[0] >> 5 & 0b11 != NORMAL:
            return
        self._pointer = data[0] & 0x1F
        for register, byte in enumerate(data[1:], start=self._pointer):
            self._store(register, byte, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """Registers from the command's address on."""
        self._settle(now_s)
        start, self._pointer = self._pointer, (self._pointer + count) & 0x1F
        return bytes(self._registers[(start + place) & 0x1F] for place in range(count))

    def _reset(self) -> None:
        self._registers = bytearray(0x20)
        self._registers[0x12] = 0x50
        self._pointer = 0
        self._converter.stop()

    def _store(self, register: int, byte: int, now_s: float) -> None:
        if register == 0x01 and byte & RESET:
            self._reset()
        elif register in WRITABLE:
            self._registers[register] = byte & WRITABLE[register]
        if register == 0x00:
            self._registers[0x13] &= ~0x01
            self._converter.stop()
            if byte & INTEGRATES == INTEGRATES:
                self._converter.repeat(now_s, self._time_s() * SLOW)

    def _time_s(self) -> float:
        return 0.1 + 0.1 * min(5, self._registers[0x01] & 0x07)

    def _settle(self, now_s: float) -> None:
        """Take over the newest integration that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        gain, time_s = GAINS[self._registers[0x01] >> 4 & 0b11], self._time_s()
        most = 36_863 if time_s < 0.15 else 0xFFFF
        # Counts of channel 0 per lx, for light of which so much is infrared (the first segment of the lux equation).
        counts = self._lux(done_s) * time_s * 1000 * gain / 408 / (1 - 1.64 * INFRARED)
        for register, share in ((0x14, 1.0), (0x16, INFRARED)):
            whole = min(most, max(0, round(counts * share)))
            self._registers[register : register + 2] = whole.to_bytes(2, "little")
        self._registers[0x13] |= 0x01
