"""What a subscriber keeps that follows docs/subscribing.md: each event once, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sensor_gateway.deduper import Deduper

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``events`` in the order of their first arrival; ``missing`` seqs by epoch, where there are any."""

    events: list[Event]
    missing: Mapping[str, list[tuple[int, int]]]


def kept(heard: Iterable[Event]) -> Kept:
    """Of what one gateway said."""
    deduper = Deduper(epochs=1000)
    events = [event for event in heard if deduper.offer(event) == "new"]
    epochs = {event["epoch"]: event["gateway"] for event in events}
    missing = {epoch: deduper.missing(gateway, epoch) for epoch, gateway in epochs.items()}
    return Kept(events=events, missing={epoch: ranges for epoch, ranges in missing.items() if ranges})
