"""When something was appended, on the two clocks that survive a restart of the process. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Milliseconds since a boot (its id's first 32 bits), and since 1970 by a wall clock that was set, or was not."""

    boot: int
    uptime_ms: int
    wall_ms: int
    is_unsynced: bool

    def age_ms(self, now: Moment) -> int | None:
        """How long ago that was; None where neither clock can tell."""
        if self.boot == now.boot:
            return now.uptime_ms - self.uptime_ms
        return None if self.is_unsynced or now.is_unsynced else now.wall_ms - self.wall_ms

    def later(self, by_ms: int) -> Moment:
        """So many milliseconds later."""
        return Moment(
            boot=self.boot,
            uptime_ms=self.uptime_ms + by_ms,
            wall_ms=self.wall_ms + by_ms,
            is_unsynced=self.is_unsynced,
        )
