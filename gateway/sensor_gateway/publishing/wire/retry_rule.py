"""How long to wait before a try to connect. Pure: chance is an argument.

The waits are spread at random, so that a fleet that has lost its broker at one moment does not come back at one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

_FIRST_WAIT_S: Final = 1.0
_MOST_DOUBLINGS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """``first_spread_s``: the longest wait before the first try. ``longest_s``: that before any other one."""

    first_spread_s: float
    longest_s: float

    def wait_s(self, failures: int, chance: random.Random) -> float:
        """Anything up to a longest wait, which doubles with each failure after the first.

        It begins at 1 s, or at the spread where that is more: a fleet that would come back within a minute, and of
        which some are refused, must not have these knock within a second.
        """
        if failures == 0:
            return chance.uniform(0.0, self.first_spread_s)
        longest_s = max(_FIRST_WAIT_S, self.first_spread_s) * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        return chance.uniform(0.0, min(longest_s, self.longest_s))

    def long_wait_s(self, chance: random.Random) -> float:
        """Where no retry helps soon: a person has to change something, or another client is to have its turn."""
        return chance.uniform(0.5, 1.0) * self.longest_s
