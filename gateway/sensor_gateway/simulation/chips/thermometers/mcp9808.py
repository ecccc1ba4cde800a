"""Microchip MCP9808 (DS25095A): registers of two bytes behind a pointer; that of the resolution has one.

It converts from power-on. The ambient temperature reads 0 °C until the first conversion is done; its three top bits
compare it with the limits, which are all 0 °C after power-on (section 5.1.3). Conversion times are those of section
5.2.4, which gives typical ones only.

    pointer 5 T_A: | >= crit | > upper | < lower | sign, 128 .. 16 | 8 .. 1/16 °C |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

CONFIGURATION, UPPER, LOWER, CRITICAL, AMBIENT, MANUFACTURER, DEVICE, RESOLUTION = range(1, 9)
POWER_ON: Final = {
    CONFIGURATION: b"\x00\x00",
    UPPER: b"\x00\x00",
    LOWER: b"\x00\x00",
    CRITICAL: b"\x00\x00",
    MANUFACTURER: b"\x00\x54",
    DEVICE: b"\x04\x00",
    RESOLUTION: b"\x03",
}
WRITABLE: Final = {CONFIGURATION, UPPER, LOWER, CRITICAL, RESOLUTION}
SHUTDOWN: Final = 0x01
CONVERSION_S: Final = (0.030, 0.065, 0.130, 0.250)
"""By the bits of the resolution register: 1/2, 1/4, 1/8 and 1/16 °C."""


class Mcp9808:
    """One MCP9808."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: converting at the finest resolution, and not done yet."""
        self._course = mounting.courses["temperature"]
        self._registers = dict(POWER_ON)
        self._pointer = 0
        self._sixteenths = 0
        self._converter = Converter()
        self._converter.repeat(mounting.powered_s, self._conversion_s())

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and what goes into its register. What is written to a read-only register is lost."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0] & 0x0F
        if len(data) > 1 and self._pointer in WRITABLE:
            kept = self._registers[self._pointer]
            self._registers[self._pointer] = (data[1:] + kept[len(data) - 1 :])[: len(kept)]
            if self._pointer in (CONFIGURATION, RESOLUTION):
                self._restart(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The register that the pointer points at; SDA stays high (FF) behind its end."""
        self._settle(now_s)
        register = self._ambient() if self._pointer == AMBIENT else self._registers.get(self._pointer, b"")
        return register[:count].ljust(count, b"\xff")

    def _conversion_s(self) -> float:
        return CONVERSION_S[self._registers[RESOLUTION][0] & 0x03]

    def _restart(self, now_s: float) -> None:
        if self._registers[CONFIGURATION][0] & SHUTDOWN:
            self._converter.stop()
        else:
            self._converter.repeat(now_s, self._conversion_s())

    def _settle(self, now_s: float) -> None:
        done_s = self._converter.finished_s(now_s)
        if done_s is not None:
            step = 8 >> (self._registers[RESOLUTION][0] & 0x03)
            sixteenths = round(self._course(done_s) * 16 / step) * step
            self._sixteenths = min(256 * 16 - step, max(-256 * 16, sixteenths))

    def _ambient(self) -> bytes:
        flags = self._sixteenths >= self._limit(CRITICAL), self._sixteenths > self._limit(UPPER)
        word = flags[0] << 15 | flags[1] << 14 | (self._sixteenths < self._limit(LOWER)) << 13
        return (word | self._sixteenths & 0x1FFF).to_bytes(2, "big")

    def _limit(self, register: int) -> int:
        word = int.from_bytes(self._registers[register], "big") & 0x1FFC
        return word - 0x2000 if word & 0x1000 else word
