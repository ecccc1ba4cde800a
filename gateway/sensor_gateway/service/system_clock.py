"""The machine's clocks, and what is known of the wall clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from sensor_gateway.model.reading import ClockState, Stamp

TIMESYNCD: Final = Path("/run/systemd/timesync")
PLAUSIBLE_MS: Final = 1_767_225_600_000
"""2026-01-01: a clock before it was never set, since this program is younger."""

_RECHECK_S: Final = 5.0


class SystemClock:
    """CLOCK_MONOTONIC for waiting; CLOCK_BOOTTIME and CLOCK_REALTIME for stamps.

    The wall clock counts as synchronised when systemd-timesyncd says so, or, on a machine without it, when its
    year is plausible. Once synchronised it stays so for this boot.
    """

    def __init__(self, *, timesyncd: Path = TIMESYNCD) -> None:
        """Look for systemd-timesyncd's marks in ``timesyncd``."""
        self._timesyncd = timesyncd
        self._state = ClockState.UNSYNCED
        self._next_check_s = 0.0

    def monotonic(self) -> float:
        """Seconds, for deadlines."""
        return time.monotonic()

    def stamp(self) -> Stamp:
        """Now, in boot time and in wall time."""
        wall_ms = time.time_ns() // 1_000_000
        if self._state is ClockState.UNSYNCED:
            self._look(wall_ms)
        return Stamp(
            uptime_ms=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000, wall_ms=wall_ms, clock=self._state
        )

    def _look(self, wall_ms: int) -> None:
        now_s = time.monotonic()
        if now_s < self._next_check_s:
            return
        self._next_check_s = now_s + _RECHECK_S
        has_timesyncd = self._timesyncd.is_dir()
        if (self._timesyncd / "synchronized").exists() if has_timesyncd else wall_ms >= PLAUSIBLE_MS:
            self._state = ClockState.SYNCED
