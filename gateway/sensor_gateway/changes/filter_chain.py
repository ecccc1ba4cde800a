"""A channel's filters at work, one behind the other. It is emptied when its past says nothing any more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sensor_gateway.changes.filters import FilterSpec, Step


class FilterChain:
    """Feeds values through filters, and tells whether the newest result rests on full windows alone.

    A window counts as full once it holds values only that came out of full windows themselves, so that a spike
    in the first sample stays in what is called not settled, however many filters follow.
    """

    __slots__ = ("_left", "_memory", "_specs", "_steps")

    def __init__(self, specs: Sequence[FilterSpec]) -> None:
        """An empty chain of ``specs``, applied in this order."""
        self._specs = tuple(specs)
        self._memory = sum(spec.memory for spec in specs)
        self._left = self._memory
        self._steps: list[Step] = [spec.begin() for spec in specs]

    @property
    def is_settled(self) -> bool:
        """Whether every window was full when the newest value came."""
        return self._left < 0

    def feed(self, value: float) -> float | None:
        """The filtered value; None while there is none. Not finite where the arithmetic left the numbers."""
        if self._left >= 0:
            self._left -= 1
        for step in self._steps:
            if not math.isfinite(value):
                return value
            following = step(value)
            if following is None:
                return None
            value = following
        return value

    def clear(self) -> None:
        """Forget every value."""
        self._steps = [spec.begin() for spec in self._specs]
        self._left = self._memory
