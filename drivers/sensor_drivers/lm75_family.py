"""The members of the LM75 family: resolution, addresses, configuration, and how long the first value takes.

Datasheets as in lm75.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.driver import TEMPERATURE, Channel, Wait, Write

CONTINUOUS = Write(b"\x01\x00")  # the power-on default of those with one byte of configuration
CONTINUOUS_12_BITS = Write(b"\x01\x60")  # TMP75: R1 R0 = 11
CONTINUOUS_4_HZ = Write(b"\x01\x60\xa0")

EXTENDED_BITS = 13
_ALL_EIGHT = tuple(range(0x48, 0x50))
# Three pins, each low, high or open; all open (Adafruit's board) is 37.
_PCT2075 = (*_ALL_EIGHT, *range(0x70, 0x78), *range(0x28, 0x30), 0x35, 0x36, 0x37)

COLDEST, HOTTEST, HOTTEST_EXTENDED = -55.0, 125.0, 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One member of the family: its resolution, what to configure, and when its first value is there after that.

    ``high`` is the end of the extended mode where there is one.
    """

    part: str
    bits: int
    high: float = HOTTEST
    addresses: tuple[int, ...] = _ALL_EIGHT
    configure: Write = CONTINUOUS
    first_value: Wait

    @property
    def channel(self) -> Channel:
        """Its only one."""
        step = 1 / (1 << self.bits - 8)
        return Channel(quantity=TEMPERATURE, low=COLDEST, high=self.high, resolution=step, deadband=0.1)


# first_value: the longest conversion and the pause before it.
ROWS = {
    "lm75": Row(part="LM75", bits=9, first_value=Wait(0.3)),  # SNIS153B: 300 ms at most
    "lm75a": Row(part="LM75A", bits=11, first_value=Wait(0.3)),
    "lm75b": Row(part="LM75B", bits=11, first_value=Wait(0.2)),  # one conversion in 100 ms
    "pct2075": Row(part="PCT2075", bits=11, addresses=_PCT2075, first_value=Wait(0.2)),  # Tidle of 100 ms
    "tmp75": Row(part="TMP75", bits=12, configure=CONTINUOUS_12_BITS, first_value=Wait(0.3)),
    "tmp1075": Row(part="TMP1075", bits=12, first_value=Wait(0.06)),  # one conversion in 27.5 ms
    "tmp102": Row(
        part="TMP102",
        bits=12,
        high=HOTTEST_EXTENDED,
        addresses=_ALL_EIGHT[:4],
        configure=CONTINUOUS_4_HZ,
        first_value=Wait(0.57),
    ),
    "tmp112": Row(
        part="TMP112",
        bits=12,
        high=HOTTEST_EXTENDED,
        addresses=_ALL_EIGHT[:4],
        configure=CONTINUOUS_4_HZ,
        first_value=Wait(0.57),
    ),
}
EXTENDABLE = ("tmp102", "tmp112")
