"""Which chips cannot notice which faults, and why. For these a wrong value within limits is told, until the next poll.

By variant or driver. The matrix fails where a chip is blinder than this, and where it is less blind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proving.faults.subjects import Subject
from proving.faults.wire import Kind

NO_CHECKSUM: Final = "its answers have no checksum: other bits are another value"
ZERO: Final = "zeros are 0 °C, or darkness"
ONES: Final = "ones are a step below 0 °C, or light"
LOW_BITS: Final = "it is read twice and more, but not its last four bits"
UNREADABLE: Final = (
    "its measurement time cannot be read back: lost before the command, it is another scale for one poll"
)

BYTES: Final = {Kind.FLIP: NO_CHECKSUM, Kind.SHORT: NO_CHECKSUM}

BLIND: Final[Mapping[str, Mapping[Kind, str]]] = {
    "ads1115": BYTES,
    "adt7410": BYTES | {Kind.ZEROS: ZERO, Kind.ONES: ONES},
    "aht10": BYTES,
    "aht15": BYTES,
    "apds9960": BYTES | {Kind.ZEROS: ZERO},
    "bh1750": BYTES | {Kind.ZEROS: ZERO, Kind.BROWN_OUT: UNREADABLE, Kind.EARLY_BROWN_OUT: UNREADABLE},
    "bme280": BYTES,
    "bme680": BYTES,
    "bmp3xx": BYTES,
    "csv": BYTES,
    "dps310": BYTES,
    "hdc1080": BYTES,
    "json": BYTES,
    "key_value": BYTES,
    "lm75": BYTES | {Kind.ZEROS: ZERO, Kind.ONES: ONES},
    "ltr390": BYTES | {Kind.ZEROS: ZERO},
    "max44009": BYTES | {Kind.ZEROS: LOW_BITS, Kind.ONES: LOW_BITS},
    "mcp9808": BYTES | {Kind.ZEROS: ZERO},
    "opt3001": BYTES | {Kind.ZEROS: ZERO},
    "tmp117": BYTES | {Kind.ZEROS: ZERO, Kind.ONES: ONES},
    "tsl2561": BYTES | {Kind.ZEROS: "zeros are light without infrared"},
    "tsl2591": BYTES,
    "veml7700": BYTES | {Kind.ZEROS: ZERO},
}


def blindness(subject: Subject) -> Mapping[Kind, str]:
    """What it cannot notice; nothing where its answers have a checksum."""
    for name in (subject.chosen, subject.variant, subject.spec.name):
        if name in BLIND:
            return BLIND[name]
    return {}
