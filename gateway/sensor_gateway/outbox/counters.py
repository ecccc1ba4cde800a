"""What the outbox counts, for health and for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor_gateway.model.event import GapCause


@dataclass(slots=True, kw_only=True)
class OutboxCounters:
    """Events since the process began; ``damaged`` counts pieces of storage that could not be read.

    ``dropped_by`` tells the dropped ones by cause.
    """

    appended: int = 0
    spilled: int = 0
    refused: int = 0
    dropped: int = 0
    damaged: int = 0
    dropped_by: dict[GapCause, int] = field(default_factory=dict)

    def drop(self, cause: GapCause, count: int) -> None:
        """So many were dropped from storage."""
        self.dropped += count
        self.dropped_by[cause] = self.dropped_by.get(cause, 0) + count

    @property
    def lost(self) -> int:
        """Events that will never be delivered: dropped from storage, or refused for good."""
        return self.dropped + self.refused
