"""TI TMP117 (SNOSD82D), TMP116 (SBOS740A) and TMP119 (SNIS236): words behind a pointer.

Until the first conversion is complete the temperature reads -256 °C (8000). Data_Ready rises with each result and falls
when temperature or configuration is read (table 7-6). Each conversion takes the longest that section 6.5 allows; the
EEPROM holds what it left the factory with. Alerts are not modelled.

    pointer 1: | HIGH LOW Data_Ready EEPROM_Busy MOD CONV2..1 | CONV0 AVG T/nA POL DR/Alert Soft_Reset - |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.converter import Converter

TEMPERATURE, CONFIGURATION, OFFSET, DEVICE_ID = 0x00, 0x01, 0x07, 0x0F
IDS: Final = {"tmp116": 0x1116, "tmp117": 0x0117, "tmp119": 0x2117}
POWER_ON: Final = {
    TEMPERATURE: 0x8000,
    CONFIGURATION: 0x0220,
    0x02: 0x6000,
    0x03: 0x8000,
    0x04: 0x0000,
    0x05: 0x1111,
    0x06: 0x2222,
    OFFSET: 0x0000,
    0x08: 0x3333,
}
DATA_READY: Final = 0x2000
WRITABLE_BITS: Final = 0x0FFC
SOFT_RESET: Final = 0x0002
SOFT_RESET_S: Final = 0.002
POWER_UP_S: Final = 0.0015
CONVERSION_S: Final = 0.0175
AVERAGES: Final = (1, 8, 32, 64)
CYCLES_S: Final = (0.0155, 0.125, 0.25, 0.5, 1.0, 4.0, 8.0, 16.0)
CONTINUOUS, SHUTDOWN, CONTINUOUS_TOO, ONE_SHOT = range(4)


class Tmp117:
    """One chip; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: converting as its EEPROM says."""
        self._course = mounting.courses["temperature"]
        self._id = IDS[mounting.variant]
        self._converter = Converter()
        self._reset(mounting.powered_s, POWER_UP_S)

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and a word for its register. Nack while it resets."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        if len(data) > 2 and self._pointer in self._words and self._pointer != TEMPERATURE:
            word = data[1] << 8 | data[2]
            if self._pointer == CONFIGURATION:
                self._configure(word, now_s)
            else:
                self._words[self._pointer] = word

    def read(self, count: int, now_s: float) -> bytes:
        """The register that the pointer points at; SDA stays high (FF) behind its end. Nack while it resets."""
        self._settle(now_s)
        word = self._id if self._pointer == DEVICE_ID else self._words.get(self._pointer, 0)
        if self._pointer in (TEMPERATURE, CONFIGURATION):
            self._words[CONFIGURATION] &= ~DATA_READY
        return word.to_bytes(2, "big")[:count].ljust(count, b"\xff")

    def _reset(self, now_s: float, takes_s: float) -> None:
        self._words = dict(POWER_ON)
        self._pointer = 0
        self._deaf_until_s = now_s + takes_s
        self._start(now_s + takes_s)

    def _configure(self, word: int, now_s: float) -> None:
        if word & SOFT_RESET:
            self._reset(now_s, SOFT_RESET_S)
            return
        self._words[CONFIGURATION] = word & WRITABLE_BITS | self._words[CONFIGURATION] & DATA_READY
        self._start(now_s)

    def _start(self, now_s: float) -> None:
        configuration = self._words[CONFIGURATION]
        active_s = AVERAGES[configuration >> 5 & 3] * CONVERSION_S
        mode = configuration >> 10 & 3
        if mode == SHUTDOWN:
            self._converter.stop()
        elif mode == ONE_SHOT:
            self._converter.once(now_s, active_s)
        else:
            cycle_s = max(active_s, CYCLES_S[configuration >> 7 & 7])
            self._converter.repeat(now_s, cycle_s, first_s=active_s)

    def _settle(self, now_s: float) -> None:
        if now_s + EARLY_S < self._deaf_until_s:
            raise Nack("the chip resets, and does not acknowledge before it is done")
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        if self._words[CONFIGURATION] >> 10 & 3 == ONE_SHOT:
            self._words[CONFIGURATION] = self._words[CONFIGURATION] & ~0x0C00 | SHUTDOWN << 10
        offset = self._words[OFFSET] - 0x10000 if self._words[OFFSET] & 0x8000 else self._words[OFFSET]
        steps = round(self._course(done_s) * 128) + offset
        self._words[TEMPERATURE] = min(0x7FFF, max(-0x8000, steps)) & 0xFFFF
        self._words[CONFIGURATION] |= DATA_READY
