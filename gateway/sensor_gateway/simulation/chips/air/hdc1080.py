"""TI HDC1080 (SNAS672A) and its older brothers HDC1000, HDC1008, HDC1010, HDC1050: words behind a pointer.

A pointer to a result starts its conversion; with MODE set, 00 starts both, temperature first. While it converts, the
part does not acknowledge. This one is slower than the typical times of section 7.5, which are all that there are, by a
fifth. The heater is not modelled.

    answer: | T msb | T lsb | RH msb | RH lsb |     02 configuration: RST - HEAT MODE BTST TRES HRES1 HRES0 | reserved
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.converter import Converter

TEMPERATURE, HUMIDITY, CONFIGURATION = 0x00, 0x01, 0x02
SERIAL: Final = {0xFB: 0x02B4, 0xFC: 0x5D1E, 0xFD: 0x7380}
MANUFACTURER, DEVICE = 0xFE, 0xFF
IDS: Final = {"hdc1000": 0x1000, "hdc1008": 0x1000, "hdc1010": 0x1000, "hdc1050": 0x1050, "hdc1080": 0x1050}
POWER_ON: Final = 0x1000
RESET, MODE, WRITABLE = 0x8000, 0x1000, 0x3700
POWER_UP_S: Final = 0.015
SLOW: Final = 1.2
T_CONVERSION_S: Final = {0: 0.00635, 1: 0.00365}
"""By TRES: 14 and 11 bits."""

H_CONVERSION_S: Final = {0: 0.00650, 1: 0.00385, 2: 0.00250, 3: 0.00250}
"""By HRES: 14, 11 and 8 bits."""


class Hdc1080:
    """One chip; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep, results 0."""
        self._courses = mounting.courses
        self._words = {**SERIAL, MANUFACTURER: 0x5449, DEVICE: IDS[mounting.variant]}
        self._converter = Converter()
        self._reset(mounting.powered_s)

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and a word for the configuration. Nack while it converts."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0]
        if len(data) > 2 and self._pointer == CONFIGURATION:
            word = data[1] << 8 | data[2]
            if word & RESET:
                self._reset(now_s)
            self._words[CONFIGURATION] = POWER_ON if word & RESET else word & WRITABLE
        elif self._pointer in (TEMPERATURE, HUMIDITY):
            self._start(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The register, and of a temperature the humidity behind it. Nack while it converts."""
        self._settle(now_s)
        words = [self._words.get(self._pointer, 0xFFFF)]
        if self._pointer == TEMPERATURE:
            words.append(self._words[HUMIDITY])
        return b"".join(word.to_bytes(2, "big") for word in words)[:count].ljust(count, b"\xff")

    def _reset(self, now_s: float) -> None:
        self._words |= {TEMPERATURE: 0, HUMIDITY: 0, CONFIGURATION: POWER_ON}
        self._pointer = TEMPERATURE
        self._wanted: tuple[int, ...] = ()
        self._converter.stop()
        self._deaf_until_s = now_s + POWER_UP_S

    def _start(self, now_s: float) -> None:
        if now_s + EARLY_S < self._deaf_until_s:
            return
        configuration = self._words[CONFIGURATION]
        both = bool(configuration & MODE) and self._pointer == TEMPERATURE
        self._wanted = (TEMPERATURE, HUMIDITY) if both else (self._pointer,)
        durations = {
            TEMPERATURE: T_CONVERSION_S[configuration >> 10 & 1],
            HUMIDITY: H_CONVERSION_S[configuration >> 8 & 3],
        }
        self._converter.once(now_s, SLOW * sum(durations[register] for register in self._wanted))

    def _settle(self, now_s: float) -> None:
        done_s = self._converter.finished_s(now_s)
        if done_s is not None:
            if TEMPERATURE in self._wanted:
                bits = 11 if self._words[CONFIGURATION] >> 10 & 1 else 14
                self._words[TEMPERATURE] = _word((self._courses["temperature"](done_s) + 40) / 165, bits)
            if HUMIDITY in self._wanted:
                bits = (14, 11, 8, 8)[self._words[CONFIGURATION] >> 8 & 3]
                self._words[HUMIDITY] = _word(self._courses["humidity"](done_s) / 100, bits)
        elif self._converter.is_busy:
            raise Nack("the chip converts, and does not acknowledge before it is done")


def _word(share: float, bits: int) -> int:
    """So many bits of the whole range, left-aligned; the part saturates at its ends."""
    return min((1 << bits) - 1, max(0, round(share * (1 << bits)))) << (16 - bits)
