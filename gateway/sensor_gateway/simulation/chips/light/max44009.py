"""Maxim MAX44009 (19-5719): registers of one byte behind a pointer that stays where it is put.

Powers up measuring each 800 ms, with no light measured yet. In automatic mode the exponent is the smallest that holds
the light; in manual mode integration time and current divider set where it begins, and eight steps above is the end.
What is beyond reads as exponent F. This part takes 800 ms for each measurement, the most there is.

    02 configuration: | CONT MANUAL 0 0 CDR TIM(3) |   03: | E(4) M7..M4 |   04: | 0000 M3..M0 |   05 06 07 thresholds
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

POWER_ON: Final = {0x00: 0x00, 0x01: 0x00, 0x02: 0x03, 0x03: 0x00, 0x04: 0x00, 0x05: 0xFF, 0x06: 0x00, 0x07: 0xFF}
READ_ONLY: Final = {0x00, 0x03, 0x04}
MANUAL: Final = 0x40
DIVIDED: Final = 0x08
PERIOD_S: Final = 0.8
LUX: Final = 0.045
OVERRANGE: Final = 0xF


class Max44009:
    """One MAX44009."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: measuring."""
        self._lux = mounting.courses["illuminance"]
        self._registers = dict(POWER_ON)
        self._pointer = 0
        self._converter = Converter()
        self._converter.repeat(mounting.powered_s, PERIOD_S)

    def write(self, data: bytes, now_s: float) -> None:
        """Set the pointer, and write on from there."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        for register, byte in enumerate(data[1:], start=data[0]):
            if register in self._registers and register not in READ_ONLY:
                self._registers[register] = byte

    def read(self, count: int, now_s: float) -> bytes:
        """The register that the pointer points at, again and again."""
        self._settle(now_s)
        return bytes((self._registers.get(self._pointer, 0xFF),)) * count

    def _settle(self, now_s: float) -> None:
        """Take over the newest measurement that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        configuration = self._registers[0x02]
        least, most = 0, 14
        if configuration & MANUAL:
            least = (configuration & 0x07) + (3 if configuration & DIVIDED else 0)
            most = least + 8
        counts = max(0.0, self._lux(done_s) / LUX)
        exponent = next((e for e in range(least, most + 1) if round(counts / (1 << e)) <= 0xFF), OVERRANGE)
        mantissa = 0xFF if exponent >= OVERRANGE else round(counts / (1 << exponent))
        self._registers[0x03] = min(exponent, OVERRANGE) << 4 | mantissa >> 4
        self._registers[0x04] = mantissa & 0x0F
