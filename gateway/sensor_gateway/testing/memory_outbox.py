"""An outbox without a disk, for tests of what stands above it: same promises, nothing survives it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sensor_gateway.model.event import ChangeEvent, Gap, GapCause
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.position import Epoch, Position, Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStored:
    """One event in its place."""

    position: Position
    body: bytes
    event: ChangeEvent | None
    uptime_ms: int
    boot: str


class StoredLike(Protocol):
    """Anything that has a place in the stream."""

    @property
    def position(self) -> Position:
        """Its place."""
        ...


class MemoryOutbox:
    """Keeps events in a list. ``lose`` makes a hole, which ``read`` announces; ``acknowledged`` are seqs."""

    def __init__(self, *, gateway: str = "greenhouse", boot: str = "1b4e28ba") -> None:
        """Start an epoch with nothing in it."""
        self.epoch = Epoch(ordinal=1, random=0x7F3C9A2E)
        self.acknowledged: set[int] = set()
        self.quarantined: dict[int, str] = {}
        self.encoder = EventEncoder(gateway, boot)
        self._boot = boot
        self._entries: list[MemoryStored | Gap] = []
        self._waiting: set[int] = set()
        self._cursor = 0
        self._seq = 0

    @property
    def pending(self) -> int:
        """Events that are not acknowledged."""
        return len(self._waiting)

    def append(self, events: Iterable[ChangeEvent]) -> list[MemoryStored]:
        """Store events, each with the next seq."""
        stored = []
        for event in events:
            self._seq += 1
            stored.append(
                MemoryStored(
                    position=Position(epoch=self.epoch, seq=Seq(self._seq)),
                    body=self.encoder.value(event, str(self.epoch), self._seq),
                    event=event,
                    uptime_ms=event.stamp.uptime_ms,
                    boot=self._boot,
                ),
            )
        self._entries += stored
        self._waiting.update(each.position.seq for each in stored)
        return stored

    def read(self, after: Position | None, *, max_events: int, max_bytes: int) -> Sequence[MemoryStored | Gap]:
        """Entries behind ``after``, or behind the highest contiguous acknowledged one."""
        seq = self.cursor if after is None else after.seq
        found: list[MemoryStored | Gap] = []
        size = 0
        for index in range(bisect_right(self._entries, seq, key=_first), len(self._entries)):
            entry = self._entries[index]
            size += len(entry.body) if isinstance(entry, MemoryStored) else 0
            if found and (len(found) >= max_events or size > max_bytes):
                break
            found.append(entry)
        return found

    @property
    def cursor(self) -> int:
        """The highest seq up to which everything is acknowledged."""
        while self._cursor + 1 in self.acknowledged:
            self._cursor += 1
        return self._cursor

    def acknowledge(self, first: Position, last: Position) -> None:
        """The broker has these."""
        self.acknowledged.update(range(first.seq, last.seq + 1))
        self._waiting.difference_update(range(first.seq, last.seq + 1))

    def set_aside(self, event: StoredLike, why: str) -> None:
        """Remember an event that was given up."""
        self.quarantined[event.position.seq] = why

    def lose(self, first: int, last: int, cause: GapCause = GapCause.LIMIT) -> Gap:
        """Make a hole."""
        gap = Gap(
            epoch=self.epoch,
            from_seq=first,
            to_seq=last,
            before_seq=None,
            count=last - first + 1,
            from_wall_ms=None,
            to_wall_ms=None,
            cause=cause,
        )
        kept = [entry for entry in self._entries if not first <= _first(entry) <= last]
        self._entries = sorted([*kept, gap], key=_first)
        self._waiting = {_first(entry) for entry in self._entries} - self.acknowledged
        return gap

    def tend(self) -> float | None:
        """Nothing to look after."""
        return None


def _first(entry: MemoryStored | Gap) -> int:
    return (entry.from_seq or 0) if isinstance(entry, Gap) else entry.position.seq
