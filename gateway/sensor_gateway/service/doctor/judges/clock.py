"""Judges the wall clock: whether it is set, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong
from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """``is_synchronised``: what systemd-timesyncd says; None where it does not run.

    ``others`` are the other time services that run; ``has_rtc``: a clock with a battery is there.
    """

    wall_ms: int
    is_synchronised: bool | None
    others: tuple[str, ...]
    has_rtc: bool


def judge_clock(clock: ClockFacts) -> Finding:
    """One finding: the worst there is to say."""
    if clock.wall_ms < PLAUSIBLE_MS:
        return wrong(
            "clock",
            "the clock is not set: it shows a time before this program was written, and events are marked unsynced",
            "timedatectl status && sudo systemctl restart systemd-timesyncd",
        )
    if clock.is_synchronised:
        return ok("clock", "set by systemd-timesyncd")
    if clock.others:
        return ok("clock", f"kept by {' and '.join(clock.others)}")
    if clock.is_synchronised is False:
        return advice(
            "clock",
            "systemd-timesyncd runs and has not set the clock since this computer started: events are marked unsynced",
            "timedatectl timesync-status",
        )
    if clock.has_rtc:
        return advice(
            "clock", "no time service runs; the clock comes from the RTC alone", "sudo apt install systemd-timesyncd"
        )
    return advice(
        "clock",
        "no time service runs: the clock will be wrong after the next restart of this computer",
        "sudo apt install systemd-timesyncd",
    )
