"""Where the publisher gets events from: outlets of the pollers, and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import SensorState
from sensor_gateway.publishing.stream.batch import StoredEvent
from sensor_gateway.publishing.stream.feed import StreamOutbox


class EventOutlet(Protocol):
    """Where a poller leaves news."""

    def take(self) -> tuple[list[ChangeEvent], list[SensorState]]:
        """All there is; never blocks."""
        ...


class PublisherOutbox(StreamOutbox, Protocol):
    """What the publisher needs of the outbox beside the stream."""

    def append(self, events: Sequence[ChangeEvent]) -> Sequence[StoredEvent]:
        """Store events, and what is known of the clock; what is given back survives a crash. The rest waits inside."""
        ...

    def tend(self) -> float | None:
        """One turn of housekeeping; seconds until the next is wanted."""
        ...
