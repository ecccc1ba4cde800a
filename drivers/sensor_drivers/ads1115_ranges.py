"""The ranges of the ADS1115: what a gain makes of a volt, and which range suits a voltage.

TI SBAS444D (ADS1115, sections cited below), SBAS473E (ADS1015).
"""

from __future__ import annotations

from sensor_gateway.driver import Span

# Ranges from the narrowest, and the code of each in PGA[2:0], bits 11 to 9.
RANGES = {"0.256V": 0.256, "0.512V": 0.512, "1.024V": 1.024, "2.048V": 2.048, "4.096V": 4.096, "6.144V": 6.144}
PGA = {"6.144V": 0, "4.096V": 1, "2.048V": 2, "1.024V": 3, "0.512V": 4, "0.256V": 5}
NAMES, FULL_SCALES = tuple(RANGES), tuple(RANGES.values())
MIDDLE = NAMES.index("2.048V")
# A range is left upwards at 95 % of it, and for a narrower one at 85 % of that one's.
SPANS = tuple(
    Span(low=0.85 * narrower, high=0.95 * full_scale)
    for narrower, full_scale in zip((0.0, *FULL_SCALES), FULL_SCALES, strict=False)
)

BITS_UNUSED = {"ads1115": 0, "ads1015": 4}


def is_saturated(frame: bytes, variant: str) -> bool:
    """Whether a conversion is at an end of its range."""
    top = 0x7FFF >> BITS_UNUSED[variant] << BITS_UNUSED[variant]
    return frame in (top.to_bytes(2, "big"), b"\x80\x00")


def volts(frame: bytes, chosen: str) -> float:
    """The voltage of a conversion in the range of that name (section 9.6.2)."""
    return int.from_bytes(frame, "big", signed=True) * RANGES[chosen] / 0x8000


def level(frame: bytes, place: int, variant: str) -> float | None:
    """How far a conversion in the range of that place is from ground, in volts; None where it is saturated."""
    return None if is_saturated(frame, variant) else abs(volts(frame, NAMES[place]))
