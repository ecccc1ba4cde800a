"""One message of the stream: the events in it, its bytes, and the range of positions that its answer settles. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sensor_gateway.model.event import ChangeEvent, Gap
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.publishing.messages import replayed
from sensor_gateway.publishing.stream.freshness import Freshness


class StoredEvent(Protocol):
    """An event as the outbox hands it out."""

    @property
    def position(self) -> Position:
        """Its place in the stream."""
        ...

    @property
    def body(self) -> bytes:
        """Its JSON."""
        ...

    @property
    def event(self) -> ChangeEvent | None:
        """News of a channel, as ``append`` took it; None for other types, and when it was read back."""
        ...

    @property
    def uptime_ms(self) -> int:
        """When it was measured, in milliseconds of its boot."""
        ...

    @property
    def boot(self) -> str:
        """In which boot."""
        ...


Entry: TypeAlias = StoredEvent | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one publish carries. ``first`` to ``last`` is what success acknowledges (None: nothing).

    ``has_gap``: gaps are among the entries.
    """

    entries: tuple[Entry, ...]
    payload: bytes
    first: Position | None
    last: Position | None
    has_gap: bool = False


class Packer:
    """Makes messages out of what the outbox hands out."""

    def __init__(self, *, freshness: Freshness, gap_json: Callable[[Gap], bytes]) -> None:
        """Mark what is late by ``freshness``; write gaps by ``gap_json``."""
        self._freshness = freshness
        self._gap_json = gap_json

    def pack(self, entries: Sequence[Entry], *, room: int, uptime_ms: int) -> Batch | None:
        """As many of ``entries`` as fit into ``room`` bytes; None when not even the first one does.

        A message holds events of one epoch. A gap that stands before an event stays with it, if both fit.
        """
        bodies: list[bytes] = []
        size = 1
        epoch = _epoch(entries[0])
        is_one_epoch = _epoch(entries[-1]) == epoch
        is_fresh = not isinstance(entries[0], Gap) and not self._is_late(entries[0], uptime_ms)
        has_gap = False
        for entry in entries:
            if isinstance(entry, Gap):
                body = self._gap_json(entry)
                has_gap = True
            else:
                body = entry.body
                if not is_fresh and self._is_late(entry, uptime_ms):
                    body = replayed(body)
            size += len(body) + 1
            if size > room or not (is_one_epoch or _epoch(entry) == epoch):
                break
            bodies.append(body)
        if not bodies:
            return None
        if len(bodies) > 1 and end(entries[len(bodies) - 1]) is None:
            bodies.pop()
        taken = tuple(entries[: len(bodies)])
        return Batch(
            entries=taken,
            payload=b"[" + b",".join(bodies) + b"]",
            first=next((place(entry) for entry in taken if end(entry) is not None), None),
            last=end(taken[-1]),
            has_gap=has_gap,
        )

    def _is_late(self, entry: StoredEvent, uptime_ms: int) -> bool:
        late = self._freshness.is_late(entry.position, uptime_ms)
        if late is None:
            return entry.boot != self._freshness.boot or uptime_ms - entry.uptime_ms > self._freshness.late_after_ms
        return late


def place(entry: Entry) -> Position:
    """Where an entry begins: a gap at its first missing event, or at the event that it stands before."""
    if isinstance(entry, Gap):
        seq = entry.from_seq if entry.from_seq is not None else entry.before_seq
        return Position(epoch=entry.epoch, seq=Seq(seq or 0))
    return entry.position


def end(entry: Entry) -> Position | None:
    """Where an entry ends; None for a gap of events that never had a seq."""
    if not isinstance(entry, Gap):
        return entry.position
    return None if entry.to_seq is None else Position(epoch=entry.epoch, seq=Seq(entry.to_seq))


def head(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The first entry, with the event behind it where it is a gap that stands before one."""
    return entries[: 2 if end(entries[0]) is None else 1]


def _epoch(entry: Entry) -> object:
    return entry.epoch if isinstance(entry, Gap) else entry.position.epoch
