"""When a health message is worth sending: after the interval, and soon after something changed. Pure."""

from __future__ import annotations

from typing import Final

LEAST_S: Final = 5.0
"""Between two messages, whatever happens; and between two looks whether anything has."""


class Beat:
    """Keeps the time of messages. A ``sign`` stands for all that is worth a message of its own, as it is now."""

    def __init__(self, interval_s: float | None) -> None:
        """Without an interval a message is sent on a change alone."""
        self._interval_s = interval_s
        self._look_at_s = 0.0
        self._said_s = 0.0
        self._said: object = None

    def is_due(self, now_s: float) -> bool:
        """Whether it is time to look."""
        return now_s >= self._look_at_s

    def change(self, interval_s: float | None) -> None:
        """Another interval counts from now on, and the first message of it is due."""
        if interval_s != self._interval_s:
            self._interval_s = interval_s
            self.hurry()

    def hurry(self) -> None:
        """Look now, and say something whatever there is."""
        self._look_at_s = 0.0
        self._said = None

    def wants(self, sign: object, now_s: float) -> bool:
        """Whether to say something now. Looking again makes sense in LEAST_S, or when the interval is over."""
        is_over = self._interval_s is not None and now_s - self._said_s >= self._interval_s
        is_news = self._said is None or sign != self._said
        self._look_at_s = now_s + LEAST_S
        if not (is_over or is_news):
            if self._interval_s is not None:
                self._look_at_s = min(self._look_at_s, self._said_s + self._interval_s)
            return False
        self._said, self._said_s = sign, now_s
        return True
