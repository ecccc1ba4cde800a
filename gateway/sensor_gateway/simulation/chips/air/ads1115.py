"""TI ADS1115 (SBAS444D) and ADS1015 (SBAS473E): four inputs before one converter, words behind a pointer.

An ADS1015 has 12 bits, left-justified. The rate of this one is 10 % low, the most that section 7.5 allows; an
input that nobody wired is at 0 V. OS reads 0 while it converts. The comparator is not modelled, nor what the supply
would do to voltages beyond it.

    pointer 1: | OS MUX2 MUX1 MUX0 PGA2 PGA1 PGA0 MODE | DR2 DR1 DR0 COMP_MODE COMP_POL COMP_LAT COMP_QUE1 COMP_QUE0 |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter

CONVERSION, CONFIG = 0, 1
POWER_ON: Final = {CONVERSION: 0x0000, CONFIG: 0x0583, 2: 0x8000, 3: 0x7FFF}
OS, SINGLE_SHOT = 0x8000, 0x0100
PAIRS: Final = (("a0", "a1"), ("a0", "a3"), ("a1", "a3"), ("a2", "a3"))
"""MUX 0 to 3; from 4 on it is one input against ground."""

FULL_SCALES: Final = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)
RATES: Final = {
    "ads1115": (8, 16, 32, 64, 128, 250, 475, 860),
    "ads1015": (128, 250, 490, 920, 1600, 2400, 3300, 3300),
}
BITS: Final = {"ads1115": 16, "ads1015": 12}
SLOW: Final = 1 / 0.9
WAKE_UP_S: Final = 25e-6


class Ads1115:
    """One chip; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: idle, with nothing converted."""
        self._courses = mounting.courses
        self._rates = RATES[mounting.variant]
        self._bits = BITS[mounting.variant]
        self._words = dict(POWER_ON)
        self._pointer = CONVERSION
        self._converter = Converter()

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and a word for its register."""
        self._settle(now_s)
        if not data:
            return
        self._pointer = data[0] & 3
        if len(data) > 2 and self._pointer != CONVERSION:
            word = data[1] << 8 | data[2]
            self._words[self._pointer] = word
            if self._pointer == CONFIG:
                self._words[CONFIG] &= ~OS
                self._start(word, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The register that the pointer points at; SDA stays high (FF) behind its end."""
        self._settle(now_s)
        word = self._words[self._pointer]
        if self._pointer == CONFIG and not self._converter.is_busy:
            word |= OS
        return word.to_bytes(2, "big")[:count].ljust(count, b"\xff")

    def _start(self, word: int, now_s: float) -> None:
        duration_s = SLOW / self._rates[word >> 5 & 7]
        if not word & SINGLE_SHOT:
            self._converter.repeat(now_s, duration_s, first_s=duration_s + WAKE_UP_S)
        elif word & OS:
            self._converter.once(now_s, duration_s + WAKE_UP_S)
        else:
            self._converter.stop()

    def _settle(self, now_s: float) -> None:
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        config = self._words[CONFIG]
        most = 1 << (self._bits - 1)
        steps = round(self._volts(config >> 12 & 7, done_s) / FULL_SCALES[config >> 9 & 7] * most)
        self._words[CONVERSION] = (min(most - 1, max(-most, steps)) << (16 - self._bits)) & 0xFFFF

    def _volts(self, mux: int, at_s: float) -> float:
        if mux >= len(PAIRS):
            return self._input(f"a{mux - len(PAIRS)}", at_s)
        positive, negative = PAIRS[mux]
        return self._input(positive, at_s) - self._input(negative, at_s)

    def _input(self, name: str, at_s: float) -> float:
        course = self._courses.get(name)
        return 0.0 if course is None else course(at_s)
