"""The ranges of the TSL2591: what gain and integration time make of its two channels, and these of a lux.

ams TSL2591 v1-06 (cited below by its registers); it has no formula for lux.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.driver import Span

GAIN = {1: 0x00, 25: 0x10, 428: 0x20, 9876: 0x30}  # AGAIN, with the datasheet's typical gains
TIME = {100: 0x00, 200: 0x01, 600: 0x05}  # ATIME, in ms
MOST_COUNTS = {100: 36_863}  # ATIME 000; otherwise FFFF

# Counts to lx. The maker publishes no formula. This is Adafruit's first one, with coefficients from TAOS and DF 408,
# which CircuitPython and MadDrivers still use. Linux, ESPHome and Adafruit's C++ have (C0 - C1) x (1 - C1 / C0): the
# same within 5 % in daylight and under LEDs, more under filament lamps.
DEVICE_FACTOR = 408.0
COEF_B, COEF_C, COEF_D = 1.64, 0.59, 0.86
NOISE = 20  # so few counts are darkness, whatever their colour
BRIGHTEST = 150_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the chip's ranges: gain, integration time in ms, and the levels (lx, if all were visible) it suits."""

    gain: int
    time: int
    span: Span

    @property
    def counts_per_lux(self) -> float:
        """Of channel 0."""
        return self.time * self.gain / DEVICE_FACTOR

    @property
    def most_counts(self) -> int:
        """Where the converter ends."""
        return MOST_COUNTS.get(self.time, 0xFFFF)

    def level(self, both: int, infrared: int) -> float | None:
        """The light of both channels' counts, in lx if all were visible; None where one is saturated."""
        counts = max(both, infrared)
        return None if counts >= self.most_counts else counts / self.counts_per_lux


RANGES = {
    "moonlight": Setting(gain=9876, time=600, span=Span(low=0, high=4)),
    "room": Setting(gain=428, time=200, span=Span(low=1.5, high=280)),
    "daylight": Setting(gain=25, time=100, span=Span(low=100, high=5400)),
    "sun": Setting(gain=1, time=100, span=Span(low=2000, high=BRIGHTEST)),
}
NAMES, SETTINGS = tuple(RANGES), tuple(RANGES.values())
SPANS = tuple(setting.span for setting in SETTINGS)
MIDDLE = NAMES.index("daylight")


def visible(both: int, infrared: int) -> float:
    """Counts of the light that people see, of both channels' counts; below 0 for light that is nearly all infrared."""
    return max(both - COEF_B * infrared, COEF_C * both - COEF_D * infrared)
