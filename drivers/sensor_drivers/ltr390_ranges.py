"""The ranges of the LTR-390UV: what gain and resolution make of a lux, and of a UV index.

Lite-On LTR-390UV-01, DS86-2015-0004 rev 1.1 (cited below by its registers).
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.driver import Span

GAINS = {1: 0, 3: 1, 6: 2, 9: 3, 18: 4}
# Bits: code in MEAS_RATE 6:4, conversion time in ms. The rate in 2:0 is left at its fastest: the chip slows down as
# it must.
RESOLUTIONS = {20: (0, 400), 18: (2, 100), 16: (4, 25)}

ALS_FACTOR = 0.6  # lx = 0.6 x counts / (gain x conversion time in 100 ms)
# Counts per UV index at gain 18 and 20 bits. Rev 1.0 of the datasheet had 1400; Linux (ltr390.c), ESPHome and Adafruit
# have 2300, too.
UV_SENSITIVITY = 2300.0
BRIGHTEST, MOST_UV = 157_300.0, 456.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Gain and resolution of one measurement."""

    gain: int
    bits: int

    @property
    def most_counts(self) -> int:
        """Where the converter ends."""
        return (1 << self.bits) - 1

    def level(self, als: bytes) -> float | None:
        """The light of an answer, in lx; None where it is saturated."""
        counts = int.from_bytes(als, "little")
        return None if counts >= self.most_counts else counts * self.lux_per_count

    @property
    def lux_per_count(self) -> float:
        """In ALS mode."""
        return ALS_FACTOR / (self.gain * RESOLUTIONS[self.bits][1] / 100)

    @property
    def index_per_count(self) -> float:
        """In UVS mode."""
        return 18 / self.gain * 2.0 ** (20 - self.bits) / UV_SENSITIVITY


RANGES = {  # and the lx that each is good for
    "room": (Setting(gain=18, bits=20), Span(low=0, high=8000)),
    "sun": (Setting(gain=1, bits=18), Span(low=3000, high=BRIGHTEST)),
}
NAMES = tuple(RANGES)
SETTINGS, SPANS = zip(*RANGES.values(), strict=True)
UVS = Setting(gain=18, bits=20)  # ends far beyond the sun
