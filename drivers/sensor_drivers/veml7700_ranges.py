"""The ranges of the VEML7700: what gain and integration time make of a lux, and the maker's correction.

Vishay application note 84323 (06-Mar-2025, cited below by its headings); codes of the datasheet, 84286 rev 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.driver import Span, Wait

GAIN = {2.0: 0b01, 1.0: 0b00, 0.25: 0b11, 0.125: 0b10}  # ALS_CONF_0, bits 12:11
TIME = {800: 0b0011, 100: 0b0000, 25: 0b1100}  # ms, bits 9:6

# lx per count at gain 2 and 800 ms. Rev 1.7 of the datasheet says that the 0.0036 of older ones was wrong: so do Linux
# (veml6030.c) and Adafruit's CircuitPython driver; ESPHome, eldruin's crates and Adafruit's C++ still have the old one.
FINEST = 0.0042
SATURATED = 0xFFFF
# "For the integration time a tolerance of ± 30 % can be assumed" (ALS_IT); 2.5 ms to wake up (flow chart).
SLOWEST, WAKE_UP_S = 1.3, 0.0025

# x the lx so far; for gain 1/4 and 1/8. The text begins the correction at 1000 lx, where it would leap by 7.5 %; the
# flow chart (fig. 23) and fig. 10 "from at least 100 lx", where it leaps by 1 %.
CORRECTION = (6.0135e-13, -9.3924e-9, 8.1488e-5, 1.0023)
CORRECTED_FROM = 100.0
BRIGHTEST = 140_926.0  # "maximum detection range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the chip's ranges: how, how long, and whether its counts are to be corrected."""

    configuration: bytes
    lux_per_count: float
    first_value: Wait
    is_corrected: bool

    def level(self, frame: bytes) -> float | None:
        """The light of an answer before correction, in lx; None where it is saturated."""
        counts = int.from_bytes(frame, "little")
        return None if counts == SATURATED else counts * self.lux_per_count


def setting(gain: float, time: int) -> Setting:
    """The range of this gain and integration time in ms (table "resolution and maximum detection range")."""
    return Setting(
        configuration=(GAIN[gain] << 11 | TIME[time] << 6).to_bytes(2, "little"),
        lux_per_count=FINEST * (2 / gain) * (800 / time),
        first_value=Wait(WAKE_UP_S + SLOWEST * time / 1000),
        is_corrected=gain < 1,
    )


# Gain 1 and 2 are linear up to 100 lx. The note goes on below 100 counts and above 10 000.
RANGES = {  # and the lx, before correction, that each is good for
    "moonlight": (setting(2.0, 800), Span(low=0, high=20)),
    "room": (setting(1.0, 100), Span(low=6.7, high=100)),
    "daylight": (setting(0.125, 100), Span(low=54, high=5376)),
    "sun": (setting(0.125, 25), Span(low=2150, high=BRIGHTEST)),
}
NAMES = tuple(RANGES)
SETTINGS, SPANS = zip(*RANGES.values(), strict=True)
MIDDLE = NAMES.index("daylight")


def corrected(lux: float) -> float:
    """The light of a level at gain 1/4 or 1/8."""
    if lux <= CORRECTED_FROM:
        return lux
    a, b, c, d = CORRECTION
    return lux * (((a * lux + b) * lux + c) * lux + d)
