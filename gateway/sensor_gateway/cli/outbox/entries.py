"""Entries of the stream as JSON, whatever the outbox they come from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sensor_gateway.model.event import Gap
    from sensor_gateway.outbox.inspection.snapshot import Snapshot
    from sensor_gateway.outbox.stored import Stored


def encoder_for(snapshot: Snapshot) -> Callable[[Stored | Gap], bytes]:
    """What turns an entry into the JSON that is stored, or, of a gap, that would be sent for it."""
    from sensor_gateway.model.event import Gap
    from sensor_gateway.model.event_json import EventEncoder

    encoder: EventEncoder | None = None

    def encode(entry: Stored | Gap) -> bytes:
        nonlocal encoder
        if not isinstance(entry, Gap):
            return entry.body
        if encoder is None:
            encoder = EventEncoder(_gateway(snapshot), "")
        return encoder.gap(entry)

    return encode


def _gateway(snapshot: Snapshot) -> str:
    """Whose events these are: the id that is kept, else the one in the first event that can be read."""
    from sensor_gateway.service.identity import kept_gateway_id

    marks = snapshot.recovered.marks
    for entry in snapshot.reader(marks).read(marks.epoch, marks.seq, max_events=100, max_bytes=1 << 20):
        try:
            name = json.loads(getattr(entry, "body", b"{}")).get("gateway")
        except (ValueError, AttributeError):
            continue
        if isinstance(name, str):
            return name
    return kept_gateway_id(snapshot.inspected.places.state_directory) or "gateway"
