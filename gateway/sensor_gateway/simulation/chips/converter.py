"""When a chip's conversions end: of one that converts again and again, once, or not at all."""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import EARLY_S

NEVER: Final = float("inf")


class Converter:
    """Knows moments only; what is converted is the chip's."""

    def __init__(self) -> None:
        """Idle."""
        self._ready_s = NEVER
        self._period_s: float | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a conversion is under way, or over and not yet taken by ``finished_s``."""
        return self._ready_s < NEVER

    def repeat(self, now_s: float, period_s: float, *, first_s: float | None = None) -> None:
        """Convert all the time: a result each ``period_s``, the first after ``first_s`` (by default a period)."""
        self._ready_s = now_s + (period_s if first_s is None else first_s)
        self._period_s = period_s

    def once(self, now_s: float, duration_s: float) -> None:
        """Convert once."""
        self._ready_s = now_s + duration_s
        self._period_s = None

    def stop(self) -> None:
        """Be idle; the conversion under way is lost."""
        self._ready_s = NEVER

    def finished_s(self, now_s: float) -> float | None:
        """When the newest conversion ended that was not asked for yet; None without one."""
        if now_s + EARLY_S < self._ready_s:
            return None
        done_s = self._ready_s
        if self._period_s is None:
            self._ready_s = NEVER
        else:
            done_s += int((now_s + EARLY_S - done_s) / self._period_s) * self._period_s
            self._ready_s = done_s + self._period_s
        return done_s
