"""The ranges of the BH1750: what a measurement mode and a measurement time make of a lux.

ROHM BH1750FVI, technical note 2011.11 rev D (pages cited below).
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.driver import Span, Wait, Write

MEASUREMENT_TIME_HIGH, MEASUREMENT_TIME_LOW = 0x40, 0x60  # 01000_MT[7,6,5] and 011_MT[4..0] (page 5)

COUNTS_PER_LUX = 1.2  # typical measurement accuracy at the default MTreg (pages 2, 7)
DEFAULT_MTREG, LOWEST_MTREG, HIGHEST_MTREG = 69, 31, 254  # page 11
SATURATED = 0xFFFF

MODES = {  # one-time command (page 5), longest measurement time at the default MTreg (page 2), counts per step
    "high": (Write(b"\x20"), 0.180, 1),
    "high2": (Write(b"\x21"), 0.180, 2),
    "low": (Write(b"\x23"), 0.024, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the chip's ranges: its operations, and how many counts a lux gives."""

    set_time: tuple[Write, Write]
    is_default_time: bool
    command: Write
    duration: Wait
    counts_per_lux: float

    def level(self, frame: bytes) -> float | None:
        """The light of an answer, in lx; None where it is saturated."""
        counts = int.from_bytes(frame, "big")
        return None if counts == SATURATED else counts / self.counts_per_lux


def setting(mode: str, mtreg: int = DEFAULT_MTREG) -> Setting:
    """The range of this mode and measurement time register (pages 5, 7, 11)."""
    command, longest_s, counts = MODES[mode]
    set_high = Write(bytes((MEASUREMENT_TIME_HIGH | mtreg >> 5,)))
    set_low = Write(bytes((MEASUREMENT_TIME_LOW | mtreg & 0x1F,)))
    return Setting(
        set_time=(set_high, set_low),
        is_default_time=mtreg == DEFAULT_MTREG,
        command=command,
        duration=Wait(longest_s * mtreg / DEFAULT_MTREG),
        counts_per_lux=COUNTS_PER_LUX * counts * mtreg / DEFAULT_MTREG,
    )


# Those that `auto` chooses from, and the lx that each is good for: steps of 0.11 lx in 663 ms, of 0.8 lx in 180 ms, of
# 1.9 lx in 81 ms.
SETTINGS = (setting("high2", HIGHEST_MTREG), setting("high"), setting("high", LOWEST_MTREG))
SPANS = (Span(low=0, high=150), Span(low=80, high=50_000), Span(low=30_000, high=121_600))
MIDDLE = 1
