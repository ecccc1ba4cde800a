"""What was refused for want of room: the newest event of each channel is held, the others are counted. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.outbox.files.record import Refused


class Held:
    """Refused events wait here for room. Those that a newer one of their channel replaced are lost, and counted.

    ``lost`` is what the next stored record has to tell of; ``is_empty``: nothing is held, and nothing has to be told.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._newest: dict[int, ChangeEvent] = {}
        self.lost: Refused | None = None
        self.is_empty = True

    def take(self) -> list[ChangeEvent]:
        """What is to be stored first, oldest first; it is not held any more."""
        taken = list(self._newest.values())
        self._newest.clear()
        self.is_empty = self.lost is None
        return taken

    @property
    def has_some(self) -> bool:
        """Whether events are held."""
        return bool(self._newest)

    def refuse(self, events: Sequence[ChangeEvent]) -> int:
        """Take in events that found no room; gives how many were lost by it."""
        lost = 0
        self.is_empty = False
        for event in events:
            before = self._newest.pop(id(event.source), None)
            self._newest[id(event.source)] = event
            if before is not None and before is not event:
                self._count(before.stamp.wall_ms)
                lost += 1
        return lost

    def lose(self, event: ChangeEvent) -> None:
        """This event can never be stored."""
        self._newest.pop(id(event.source), None)
        self._count(event.stamp.wall_ms)

    def told(self) -> None:
        """What was lost is told of by a record now."""
        self.lost = None
        self.is_empty = not self._newest

    def _count(self, wall_ms: int) -> None:
        lost = self.lost
        self.is_empty = False
        if lost is None:
            self.lost = Refused(count=1, from_ms=wall_ms, to_ms=wall_ms)
        else:
            self.lost = Refused(
                count=lost.count + 1,
                from_ms=min(lost.from_ms, wall_ms),
                to_ms=max(lost.to_ms, wall_ms),
            )
