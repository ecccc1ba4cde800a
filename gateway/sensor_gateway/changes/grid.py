"""Counts a channel's values in tenths of its resolution, so that judging them is arithmetic on whole numbers.

Floats near each other differ by noise (0.1 + 0.2); ticks are equal or they are not.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Final

_MOST_DIGITS: Final = 6
_FAR: Final = 1e300
_FINER: Final = 100
"""A deadband is taken to a thousandth of the resolution, the hundredth of a tick."""


class Grid:
    """Values as multiples of a tenth of ``resolution``.

    Where that tenth cannot be written in six digits (a resolution of 1/1.2), the next smaller power of ten
    stands in for it, so that values can always be written shortly.
    """

    __slots__ = ("_below", "_farthest", "_per_unit", "_up")

    def __init__(self, resolution: float) -> None:
        """A grid for a ``resolution`` above 0."""
        step = (Decimal(repr(float(resolution))) / 10).normalize()
        _, digits, exponent = step.as_tuple()
        if len(digits) > _MOST_DIGITS or not isinstance(exponent, int):
            exponent = int(step.log10().to_integral_value(rounding=ROUND_FLOOR))
            digits = (1,)
        self._up = int("".join(map(str, digits))) * int(10 ** max(exponent, 0))
        self._below = int(10 ** max(-exponent, 0))
        self._per_unit = self._below / self._up
        self._farthest = _FAR / max(1, self._up)

    def ticks(self, value: float) -> int | None:
        """The nearest multiple; None for what is not finite, or too far out to be counted."""
        scaled = value * self._per_unit
        if -self._farthest < scaled < self._farthest:
            return round(scaled)
        return None

    def value(self, ticks: int) -> float:
        """The float nearest to that multiple: the one which prints shortest. Never -0.0."""
        return ticks * self._up / self._below

    def rounded(self, value: float) -> float:
        """The float of the nearest multiple; ``value`` as it is where it cannot be counted."""
        ticks = self.ticks(value)
        return value if ticks is None else self.value(ticks)

    def span(self, deadband: float) -> int:
        """The fewest ticks that a value must move to be ``deadband`` away; 1 where any difference is."""
        units = round(min(deadband * self._per_unit * _FINER, self._farthest))
        return max(1, -(-units // _FINER))
