"""The ranges of the TSL2561: what gain and integration time make of its two channels, and these of a lux.

TAOS059N, March 2009 (cited below by its headings).
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.driver import Span

GAIN = {1: 0x00, 16: 0x10}
# Nominal ms: INTEG, length ("operating characteristics", note 6), greatest counts. The converter ends at 5047, 37177,
# 65535; Adafruit's limits, a little below, are those of its driver (adafruit_tsl2561.py, _CLIP_THRESHOLD).
INTEGRATION = {402: (0b10, 322, 65_000), 101: (0b01, 81, 37_000), 14: (0b00, 11, 4_900)}

# "Calculating lux": up to a ratio of the channels, lx = a x C0 - b x C1; in the first row, b x C0 x ratio^1.4. Above
# the last one the light is none that people see. Counts at gain 16 and 402 ms.
BEND = 1.4
EQUATIONS = {
    "t_fn_cl": ((0.50, 0.0304, 0.062), (0.61, 0.0224, 0.031), (0.80, 0.0128, 0.0153), (1.30, 0.00146, 0.00112)),
    "cs": ((0.52, 0.0315, 0.0593), (0.65, 0.0229, 0.0291), (0.80, 0.0157, 0.0180), (1.30, 0.00338, 0.00260)),
}
BRIGHTEST = 74_200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the chip's ranges: gain, integration time in ms, and the levels (scaled counts) it suits."""

    gain: int
    time: int
    span: Span

    @property
    def scale(self) -> float:
        """To counts at gain 16 and 402 ms."""
        return 16 / self.gain * 322 / INTEGRATION[self.time][1]

    def level(self, channel_0: bytes, channel_1: bytes) -> float | None:
        """The scaled counts of the brighter channel; None where it is saturated."""
        counts = max(int.from_bytes(channel_0, "little"), int.from_bytes(channel_1, "little"))
        return None if counts > INTEGRATION[self.time][2] else counts * self.scale


# 14 ms reach no further than 101 ms: there the converter ends earlier.
RANGES = {
    "room": Setting(gain=16, time=402, span=Span(low=0, high=60_000)),
    "daylight": Setting(gain=16, time=101, span=Span(low=20_000, high=140_000)),
    "sun": Setting(gain=1, time=101, span=Span(low=70_000, high=2_400_000)),
}
NAMES, SETTINGS = tuple(RANGES), tuple(RANGES.values())
SPANS = tuple(setting.span for setting in SETTINGS)
MIDDLE = NAMES.index("daylight")


def lux_per_count(ratio: float, package: str) -> float:
    """Of channel 0, at this ratio of channel 1 to channel 0, in a package of this kind."""
    (end, a, b), *others = EQUATIONS[package]
    if ratio <= end:
        return max(0.0, a - b * float(ratio**BEND))
    return max(0.0, next((a - b * ratio for end, a, b in others if ratio <= end), 0.0))
