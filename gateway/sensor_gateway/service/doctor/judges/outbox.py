"""Judges what waits, and whether what is stored is sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sensor_gateway.model.writing.figures import counted
from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxFacts:
    """``complaints`` are sentences with whether each is bad; ``damaged``: how many damages were found.

    ``days_left``: how long the room lasts at the present rate; None where nothing tells.
    """

    waiting: int
    complaints: Sequence[tuple[str, bool]]
    damaged: int
    days_left: float | None
    write_per_day: float | None
    is_owned: bool | None


def judge_outbox(outbox: OutboxFacts) -> Iterator[Finding]:
    """Alarms, damage, how long the room lasts, and whether anybody works with it: where an outbox is, somebody did."""
    for sentence, is_bad in outbox.complaints:
        judge = wrong if is_bad else advice
        yield judge("outbox", sentence, "sensor-gateway outbox status")
    if outbox.damaged:
        yield wrong(
            "outbox", f"{counted(outbox.damaged, 'damaged piece')} in what is stored", "sensor-gateway outbox verify"
        )
    if outbox.days_left is not None and outbox.days_left <= 0:
        yield wrong("outbox", "no room is left for what waits", "sensor-gateway outbox status")
    elif outbox.days_left is not None and outbox.days_left < 1:
        yield advice("outbox", "the room for what waits lasts less than a day", "sensor-gateway outbox status")
    if not outbox.complaints and not outbox.damaged:
        yield ok(
            "outbox",
            f"sound; {counted(outbox.waiting, 'event')} {'waits' if outbox.waiting == 1 else 'wait'} for the broker",
        )
    if outbox.is_owned is False:
        yield wrong("gateway", "no gateway runs on this state directory", "sudo systemctl start sensor-gateway")
    elif outbox.is_owned:
        yield ok("gateway", "a gateway runs on this state directory")
