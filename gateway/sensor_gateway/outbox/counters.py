"""What the outbox counts, for health and for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class OutboxCounters:
    """Events since the process began; ``damaged`` counts pieces of storage that could not be read."""

    appended: int = 0
    spilled: int = 0
    refused: int = 0
    dropped: int = 0
    damaged: int = 0

    @property
    def lost(self) -> int:
        """Events that will never be delivered: dropped from storage, or refused for good."""
        return self.dropped + self.refused
