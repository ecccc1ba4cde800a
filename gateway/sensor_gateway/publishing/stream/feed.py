"""What the stream reads out of the outbox, message by message, and what can be sent in no form. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.model.event_json import time_of
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Position
from sensor_gateway.publishing.stream.batch import Batch, Entry, Packer, StoredEvent, end, place
from sensor_gateway.publishing.stream.suspicion import Suspicion

MOST_EVENTS = 1000

SetAside: TypeAlias = Callable[[StoredEvent, str], object]
"""Keeps an event that the broker will never take, with the reason, for a person to look at. It must not raise."""


class StreamOutbox(Protocol):
    """What the stream needs of the outbox."""

    @property
    def pending(self) -> int:
        """How many events are not acknowledged."""
        ...

    def read(self, after: Position | None, *, max_events: int, max_bytes: int) -> Sequence[Entry]:
        """Events and gaps in order of position, behind ``after`` (None: from the cursor).

        At most ``max_events`` events of ``max_bytes`` together, but at least one if there is one.
        """
        ...

    def acknowledge(self, first: Position, last: Position) -> None:
        """The broker has this range for good."""
        ...


class Feed:
    """A reading place in the outbox, for one connection after another.

    ``damaged`` and ``unexplained`` count the events that were found missing, and that nobody had dropped knowingly.
    """

    def __init__(
        self, outbox: StreamOutbox, packer: Packer, suspicion: Suspicion, *, set_aside: SetAside, log: Log
    ) -> None:
        """Read from ``outbox``; ``suspicion`` says how carefully, ``set_aside`` keeps what is given up."""
        self._outbox = outbox
        self._packer = packer
        self._suspicion = suspicion
        self._set_aside = set_aside
        self._log = log
        self._room = 0
        self._after: Position | None = None
        self._passed_gap: Position | None = None
        self._newest: Position | None = None
        self._given_up: dict[Position, tuple[StoredEvent, str]] = {}
        self.may_have_more = True
        self.quarantined = 0
        self.damaged = 0
        self.unexplained = 0

    def rewind(self, room: int) -> None:
        """Begin at the lowest unacknowledged event; messages hold ``room`` bytes."""
        self._room = room
        self._after = None
        self._passed_gap = None
        self.may_have_more = True

    def note_stored(self, last: Position) -> None:
        """There are new events, up to ``last``."""
        self._newest = last
        self.may_have_more = True

    def turn_back(self) -> None:
        """Begin at the lowest unacknowledged event again, on the same connection."""
        self.rewind(self._room)

    def read(self, most: int, uptime_ms: int, *, is_second: bool = False) -> Batch | None:
        """The next message, of at most ``most`` events; None when there is none, or when its head was given up.

        ``is_second``: one event, and where there are two, the second: the first may be the reason why nothing passes.
        """
        if not self.may_have_more:
            return None
        most = 2 if is_second else 1 if self._suspicion.is_single else min(most, MOST_EVENTS)
        spare = 0 if self._passed_gap is None else 1
        entries = self._outbox.read(self._after, max_events=most + spare, max_bytes=self._room)
        if spare and entries and place(entries[0]) == self._passed_gap and end(entries[0]) is None:
            entries = entries[1:]
        if not entries:
            self.may_have_more = False
            return None
        if is_second:
            entries = entries[-1:]
        batch = self.pack(entries[:1] if self._suspicion.is_single else entries, uptime_ms)
        self._pass(entries[0] if batch is None else batch.entries[-1])
        if batch is not None:
            self.may_have_more = batch.last is None or batch.last != self._newest
        return batch

    def pack(self, entries: Sequence[Entry], uptime_ms: int) -> Batch | None:
        """A message that begins with the first of ``entries``; None if that one can be sent in no form."""
        first = entries[0]
        if not isinstance(first, Gap) and self._suspicion.is_condemned(first.position):
            entries = [self.quarantine(first, "the broker closed three connections over it")]
        batch = self._packer.pack(entries, room=self._room, uptime_ms=uptime_ms)
        if batch is None and not isinstance(first, Gap):
            gap = self.quarantine(first, f"the broker takes at most {self._room} bytes in a message")
            batch = self._packer.pack([gap], room=self._room, uptime_ms=uptime_ms)
        if batch is None:
            self.skip(first)
        return batch

    def quarantine(self, event: StoredEvent, why: str) -> Gap:
        """The gap that is sent in the place of an event, on evidence. The event is set aside when that was taken.

        Not before: where the broker has no gap either, it is not the event that it will not have.
        """
        position = event.position
        self._given_up[position] = (event, why)
        wall_ms = _wall_ms(event.body)
        return Gap(
            epoch=position.epoch,
            from_seq=position.seq,
            to_seq=position.seq,
            before_seq=None,
            count=1,
            from_wall_ms=wall_ms,
            to_wall_ms=wall_ms,
            cause=GapCause.QUARANTINE,
        )

    def skip(self, entry: Entry) -> None:
        """Not even the gap can be sent: do without the announcement. Where the feed reads on is the same."""
        self._log.error("gap_not_announced", epoch=str(place(entry).epoch), seq=place(entry).seq)
        self._count_found(entry)
        last = end(entry)
        self._give_up(place(entry))
        if last is not None:
            self._outbox.acknowledge(place(entry), last)

    def delivered(self, batch: Batch) -> None:
        """The broker has it for good."""
        if batch.has_gap:
            for entry in batch.entries:
                self._count_found(entry)
        for entry in batch.entries if self._given_up else ():
            if isinstance(entry, Gap):
                self._give_up(place(entry))
            else:
                self._given_up.pop(place(entry), None)  # it was taken after all
        if batch.first is not None and batch.last is not None:
            self._outbox.acknowledge(batch.first, batch.last)
            self._suspicion.cleared(batch.last)

    def _give_up(self, position: Position) -> None:
        """Set aside the event of this place, if one was given up there: before it is acknowledged, and not after."""
        if position in self._given_up:
            event, why = self._given_up.pop(position)
            self._set_aside(event, why)
            self.quarantined += 1
            self._log.error("event_quarantined", epoch=str(position.epoch), seq=position.seq, why=why)

    def _count_found(self, entry: Entry) -> None:
        """Whatever was dropped is counted as it is dropped, and known with its times; a hole that is found has none."""
        if isinstance(entry, Gap) and entry.from_wall_ms is None:
            if entry.cause is GapCause.DAMAGE:
                self.damaged += entry.count
            elif entry.cause is GapCause.UNKNOWN:
                self.unexplained += entry.count

    def _pass(self, entry: Entry) -> None:
        """Read on behind this one, which may lie lower: an outbox that loads flash late leaves the highest epoch.

        A gap that has no position of its own is remembered instead.
        """
        last = end(entry)
        self._passed_gap = place(entry) if last is None else None
        if last is not None:
            self._after = last


def _wall_ms(body: bytes) -> int | None:
    """The time that an encoded event carries; None for one that is no event."""
    try:
        return round(datetime.fromisoformat(time_of(body)).timestamp() * 1000)
    except ValueError:
        return None
