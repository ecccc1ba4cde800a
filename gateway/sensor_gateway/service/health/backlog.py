"""Counts the backlogs that have ended, from what two counters say at each look. Pure.

``appended`` is all that was stored, ``waiting`` what of it is not gone yet. A few events are always on their way. A
backlog is there once something has waited for a minute, and has ended once nothing is left of what waited at the look
before.
"""

from __future__ import annotations

from typing import Final

LONG_S: Final = 60.0


class Backlog:
    """``ended`` counts. What an earlier life left is a backlog from the first look on."""

    def __init__(self) -> None:
        """No look was taken yet."""
        self.ended = 0
        self._is_long = False
        self._marked: int | None = None
        self._marked_s = 0.0
        self._before = 0

    def look(self, *, appended: int, waiting: int, now_s: float) -> int:
        """This is how many there are now; gives ``ended``."""
        gone = appended - waiting
        if self._marked is None:
            self._is_long = waiting > appended
            self._mark(appended, now_s)
        elif self._is_long:
            if gone >= self._before:
                self.ended += 1
                self._is_long = False
                self._mark(appended, now_s)
        elif gone >= self._marked:
            self._mark(appended, now_s)
        else:
            self._is_long = now_s - self._marked_s >= LONG_S
        self._before = appended
        return self.ended

    def _mark(self, appended: int, now_s: float) -> None:
        """Whether all that was stored until now is gone in a minute."""
        self._marked, self._marked_s = appended, now_s
