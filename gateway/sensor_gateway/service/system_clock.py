"""The machine's clocks, and what is known of the wall clock."""

from __future__ import annotations

import time
from typing import Final

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.service.time_sources.choice import time_source
from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS, Finding, TimeSource

_RECHECK_S: Final = 5.0
_JUMP_MS: Final = 1000
_AT_ONCE_MS: Final = 100
"""Between the two looks at the clocks of one stamp; whoever was stopped for longer cannot tell a jump."""


class SystemClock:
    """CLOCK_MONOTONIC for waiting; CLOCK_BOOTTIME and CLOCK_REALTIME for stamps.

    The wall clock counts as synchronised when its source says so, and then it stays so. Where no source can tell,
    a plausible year will do, until the clock is seen to jump: then nobody knows which of the two times was right.
    Any thread may ask.
    """

    def __init__(self, source: TimeSource | None = None, *, may_guess: bool = True) -> None:
        """Ask ``source`` (by default as ``clock.source: auto`` does). ``may_guess``: a plausible year will do."""
        self._source = source or time_source("auto")
        self._may_guess = may_guess
        self._state = ClockState.UNSYNCED
        self._next_check_s = 0.0
        self._guessed_ms: int | None = None
        self._has_jumped = False
        self.finding = Finding(is_set=None, why="nobody was asked yet")

    def monotonic(self) -> float:
        """Seconds, for deadlines."""
        return time.monotonic()

    def stamp(self) -> Stamp:
        """Now, in boot time and in wall time."""
        wall_ms = time.time_ns() // 1_000_000
        uptime_ms = _uptime_ms()
        if self._state is ClockState.UNSYNCED:
            self._look(wall_ms, uptime_ms)
        elif self._guessed_ms is not None and abs(wall_ms - uptime_ms - self._guessed_ms) > _JUMP_MS:
            self._doubt(wall_ms)
        return Stamp(uptime_ms=uptime_ms, wall_ms=wall_ms, clock=self._state)

    def _look(self, wall_ms: int, uptime_ms: int) -> None:
        now_s = time.monotonic()
        if now_s < self._next_check_s:
            return
        self._next_check_s = now_s + _RECHECK_S
        self.finding = finding = self._source.look(wall_ms)
        if finding.is_set:
            self._state = ClockState.SYNCED
        elif finding.is_set is None and self._may_guess and not self._has_jumped and wall_ms >= PLAUSIBLE_MS:
            self._guessed_ms = wall_ms - uptime_ms
            self._state = ClockState.SYNCED

    def _doubt(self, wall_ms: int) -> None:
        """The clock was set while we believed it: what it shows now may be right, or what it showed before."""
        guessed_ms = self._guessed_ms
        uptime_ms = _uptime_ms()
        now_ms = time.time_ns() // 1_000_000
        is_jump = guessed_ms is not None and abs(now_ms - uptime_ms - guessed_ms) > _JUMP_MS
        if is_jump and abs(now_ms - wall_ms) <= _AT_ONCE_MS:
            self._has_jumped = True
            self._guessed_ms = None
            self._state = ClockState.UNSYNCED


def _uptime_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
