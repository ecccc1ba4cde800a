"""Which events are sent late? By when they were stored: a heartbeat repeats an old measurement, and is news.

Pure. Events in stored order rise in position, so one look at the first of a message usually settles all of it.
"""

from __future__ import annotations

from collections import deque

from sensor_gateway.model.position import Position


class Freshness:
    """When the events of this run were stored, as far as they may still count as fresh."""

    def __init__(self, *, boot: str, late_after_ms: int) -> None:
        """Events of ``boot`` that were stored for longer than ``late_after_ms`` are late."""
        self.boot = boot
        self.late_after_ms = late_after_ms
        self._first: Position | None = None
        self._late_until: Position | None = None
        self._stored: deque[tuple[Position, int]] = deque()

    def note(self, first: Position, last: Position, uptime_ms: int) -> None:
        """This range was stored now."""
        if self._first is None:
            self._first = first
        self._move(uptime_ms)
        self._stored.append((last, uptime_ms))

    def is_late(self, position: Position, uptime_ms: int) -> bool | None:
        """Whether the event was stored too long ago; None for one that was stored before this run."""
        if self._first is None or position < self._first:
            return None
        self._move(uptime_ms)
        return self._late_until is not None and position <= self._late_until

    def _move(self, uptime_ms: int) -> None:
        stored = self._stored
        while stored and uptime_ms - stored[0][1] > self.late_after_ms:
            self._late_until = stored.popleft()[0]
