"""How fast the stream may flow: a limit for backlogs that live events never feel. Pure."""

from __future__ import annotations

from typing import Final

_FORGET: Final = 0.2
"""How much of the measured event rate one second of less moves."""

_LEAST_SHARE: Final = 0.2
"""While behind, wait until so much of a second's allowance has gathered: few large messages, not many small ones."""


class Pace:
    """A bucket that fills at ``drain_rate`` events per second, and never slower than twice the present event rate.

    It holds one second's worth. Without a limit (``drain_rate`` 0) everything may go.
    """

    def __init__(self, *, drain_rate: float, now_s: float) -> None:
        """Start with a full bucket, knowing nothing of the event rate."""
        self._drain_rate = drain_rate
        self._event_rate = 0.0
        self._counted = 0
        self._counted_since_s = now_s
        self._tokens = drain_rate
        self._filled_s = now_s

    @property
    def limit(self) -> float:
        """Events per second that may go now."""
        return max(self._drain_rate, 2 * max(self._event_rate, float(self._counted)))

    def note(self, count: int, now_s: float) -> None:
        """So many new events were stored."""
        self._measure(now_s)
        self._counted += count

    def allowance(self, waiting: int, now_s: float) -> int:
        """How many events may go now; 0 while it is better to wait for more."""
        if self._drain_rate <= 0:
            return waiting
        self._measure(now_s)
        limit = self.limit
        self._tokens = min(self._tokens + max(now_s - self._filled_s, 0.0) * limit, limit)
        self._filled_s = now_s
        if self._tokens < min(float(waiting), max(limit * _LEAST_SHARE, 1.0)):
            return 0
        return min(int(self._tokens), waiting)

    def spend(self, count: int) -> None:
        """So many events went."""
        self._tokens -= count

    def wait_s(self, waiting: int) -> float:
        """Seconds until ``allowance`` gives something."""
        limit = self.limit
        if self._drain_rate <= 0 or limit <= 0:
            return 0.0
        return max(min(float(waiting), max(limit * _LEAST_SHARE, 1.0)) - self._tokens, 0.0) / limit

    def _measure(self, now_s: float) -> None:
        elapsed_s = now_s - self._counted_since_s
        if elapsed_s < 1.0:
            return
        measured = self._counted / elapsed_s
        weight = 1.0 if measured > self._event_rate else 1.0 - (1.0 - _FORGET) ** elapsed_s
        self._event_rate += (measured - self._event_rate) * weight
        self._counted = 0
        self._counted_since_s = now_s
