"""A clock that stands still until it is told to move: time for tests, `simulate` and replays.

It never sleeps and never looks at the machine's own clocks.
"""

from __future__ import annotations

from sensor_gateway.model.reading import ClockState, Stamp

BOOT_WALL_MS = 1_800_000_000_000
"""2027-01-15T08:00:00Z: where wall time starts unless it is told otherwise."""


class VirtualClock:
    """A Clock whose time passes only through ``advance``.

    ``start_s`` is the first ``monotonic()``; ``boot_s`` the seconds since boot at that moment; ``wall_ms`` the wall
    time at that moment (milliseconds since 1970, UTC). ``state`` may be set at any time, and so may ``limit_s``: the
    moment beyond which nobody who merely listens moves this clock.
    """

    __slots__ = ("_boot_offset_s", "_now_s", "_wall_offset_s", "limit_s", "state")

    def __init__(
        self,
        *,
        start_s: float = 0.0,
        boot_s: float = 0.0,
        wall_ms: int = BOOT_WALL_MS,
        state: ClockState = ClockState.SYNCED,
    ) -> None:
        """Start at a moment of one's choice."""
        self._now_s = start_s
        self._boot_offset_s = boot_s - start_s
        self._wall_offset_s = wall_ms / 1000 - start_s
        self.limit_s = float("inf")
        self.state = state

    def monotonic(self) -> float:
        """Seconds; moves only through ``advance`` and ``advance_to``."""
        return self._now_s

    def stamp(self) -> Stamp:
        """Boot time and wall time of now."""
        now_s = self._now_s
        return Stamp(
            uptime_ms=round((now_s + self._boot_offset_s) * 1000),
            wall_ms=round((now_s + self._wall_offset_s) * 1000),
            clock=self.state,
        )

    def advance(self, seconds: float) -> None:
        """Let time pass. ValueError for a negative one: monotonic time never goes back."""
        if seconds < 0:
            raise ValueError(f"time goes forward only, got {seconds} s")
        self._now_s += seconds

    def advance_to(self, moment_s: float) -> None:
        """Let time pass until ``monotonic()`` is ``moment_s``; a moment of the past is now."""
        self._now_s = max(self._now_s, moment_s)

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back when negative; monotonic and boot time do not notice."""
        self._wall_offset_s += seconds

    def set_boot(self, boot_s: float) -> None:
        """Say that the machine has been up for ``boot_s`` seconds now."""
        self._boot_offset_s = boot_s - self._now_s

    def set_wall(self, wall_ms: int) -> None:
        """Say what the wall clock shows now, in milliseconds since 1970 (UTC)."""
        self._wall_offset_s = wall_ms / 1000 - self._now_s
