"""Judges the wall clock by what the time source of the configuration says of it, as the gateway itself does."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong
from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """``is_set`` and ``why`` are the time source's. ``may_guess``: where it cannot tell, a plausible year will do.

    ``has_rtc``: a clock with a battery is there.
    """

    wall_ms: int
    is_set: bool | None
    why: str
    may_guess: bool
    has_rtc: bool


def judge_clock(clock: ClockFacts) -> Finding:
    """One finding: the worst there is to say."""
    if clock.is_set:
        return ok("clock", clock.why)
    if clock.wall_ms < PLAUSIBLE_MS:
        return wrong(
            "clock",
            "the clock is not set: it shows a time before this program was written, and events are marked unsynced",
            "timedatectl status && sudo systemctl restart systemd-timesyncd",
        )
    if clock.is_set is None and clock.may_guess:
        comes = "comes from the RTC alone" if clock.has_rtc else "will be wrong after the next restart of this computer"
        return advice(
            "clock",
            f"{clock.why}: unless another service sets the clock, it {comes}",
            "sudo apt install systemd-timesyncd   # or, with another service: `clock: {source: adjtimex}`",
        )
    return advice("clock", f"{clock.why}: events are marked unsynced", "timedatectl status")
