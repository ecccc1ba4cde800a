"""What the outbox counts, for health and for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class OutboxCounters:
    """Since the process began. ``lost`` is what was given up on purpose or for want of room."""

    appended: int = 0
    spilled: int = 0
    refused: int = 0
    dropped: int = 0
    damaged: int = 0
    flash_failures: int = 0
    hot_failures: int = 0
    rewrites: int = 0

    @property
    def lost(self) -> int:
        """Events that will never be delivered: dropped from storage, or refused for good."""
        return self.dropped + self.refused
