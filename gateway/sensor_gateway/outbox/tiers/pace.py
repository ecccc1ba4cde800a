"""How long events stay in memory, and how often flash is synced. Pure but for what it remembers."""

from __future__ import annotations

import math
from typing import Final

from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.outbox.tiers.tail import Tail

_GROUP_S: Final = 0.05
_GROUP_EVENTS: Final = 64


class Pace:
    """When something is due. ``durability: always`` commits in groups of 50 ms or 64 events."""

    def __init__(self, tail: Tail, settings: OutboxSettings) -> None:
        """Nothing was flushed yet."""
        self._tail = tail
        self._is_always = settings.durability is Durability.ALWAYS
        self._every_s = _GROUP_S if self._is_always else settings.flush_every_s
        self._after_s = _GROUP_S if self._is_always else settings.spill_after_s
        self._flush_at_s = 0.0

    def due_s(self, now: Moment, now_s: float) -> float:
        """In how many seconds something in memory has to go to flash; infinite when there is nothing."""
        first = self._tail.first_unwritten
        if first is None:
            return math.inf
        if self._is_always and self._tail.count >= _GROUP_EVENTS:
            return 0.0
        is_of_this_boot = first.began.boot == now.boot
        age_s = (now.uptime_ms - first.began.uptime_ms) / 1000 if is_of_this_boot else math.inf
        return max(self._after_s - age_s, self._flush_at_s - now_s)

    def until_ms(self, now: Moment) -> float:
        """What was appended by then goes together, in milliseconds of this boot."""
        return math.inf if self._is_always else now.uptime_ms - self._after_s * 1000

    def flush_in_s(self, now_s: float) -> float:
        """In how many seconds flash may be synced again."""
        return self._flush_at_s - now_s

    def may_flush(self, now_s: float) -> bool:
        """Whether flash may be synced now; if so, the next time is counted from now."""
        if now_s < self._flush_at_s:
            return False
        self._flush_at_s = now_s + self._every_s
        return True

    def hurry(self) -> None:
        """What is due was not all written: the rest of it shall not wait for the time after the next."""
        self._flush_at_s = 0.0
