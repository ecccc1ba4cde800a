"""The stream of events: what is sent next on a connection, and what an answer means for it.

Pure: it is told the time, and never sees the client or a packet id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from sensor_gateway.model.event import Gap
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Position
from sensor_gateway.publishing.stream.batch import Batch, Entry, Packer, head, place
from sensor_gateway.publishing.stream.feed import Feed, SetAside, StreamOutbox
from sensor_gateway.publishing.stream.obstacle import Obstacle
from sensor_gateway.publishing.stream.pace import Pace
from sensor_gateway.publishing.stream.suspicion import Suspicion

MOST_BYTES: Final = 64_000
"""Of the events in one message."""

_LOOK_EVERY_S: Final = 30.0
"""So often an outbox is looked into that says that something waits, and gave nothing at the last look."""

NO_SUBSCRIBER: Final = 0x10
FAILURE: Final = 0x80
NOT_AUTHORIZED: Final = 0x87
TOPIC_INVALID: Final = 0x90
PAYLOAD_INVALID: Final = 0x99


@dataclass(slots=True, kw_only=True)
class StreamCounters:
    """What became of the stream since the start. ``refused`` and ``held`` count messages, the others events.

    ``no_subscriber``: acknowledged, although nobody subscribed; ``held``: sent in vain, because nobody did.
    """

    messages: int = 0
    events: int = 0
    acknowledged: int = 0
    no_subscriber: int = 0
    refused: int = 0
    held: int = 0


class EventStream:
    """Decides what the next message of the stream is. One per publisher; ``rewind`` begins a connection."""

    def __init__(
        self,
        outbox: StreamOutbox,
        packer: Packer,
        pace: Pace,
        *,
        set_aside: SetAside,
        log: Log,
        needs_subscriber: bool = False,
    ) -> None:
        """Send what is in ``outbox``, as fast as ``pace`` allows; ``set_aside`` keeps what is given up.

        ``needs_subscriber``: what nobody listened to is not delivered, and is sent again.
        """
        self._outbox = outbox
        self._pace = pace
        self._log = log
        self._needs_subscriber = needs_subscriber
        self.suspicion = Suspicion()
        self.feed = Feed(outbox, packer, self.suspicion, set_aside=set_aside, log=log)
        self.obstacle = Obstacle()
        self._again: list[tuple[Entry, ...]] = []
        self._unanswered = 0
        self._look_at_s = 0.0
        self.counters = StreamCounters()

    def rewind(self, room: int) -> None:
        """A new connection, whose messages hold ``room`` bytes: begin at the lowest unacknowledged event."""
        self.feed.rewind(min(room, MOST_BYTES))
        self._again = []
        self._unanswered = 0
        self.obstacle.forget()

    def note_stored(self, count: int, last: Position, now_s: float) -> None:
        """New events are in the outbox, up to ``last``."""
        self.feed.note_stored(last)
        self._pace.note(count, now_s)

    def closed(self, unanswered: Sequence[Batch], now_s: float, *, is_evidence: bool) -> None:
        """The broker closed the connection over these. ``is_evidence``: nothing else was unanswered.

        While it hangs up over the topic, that says nothing of an event.
        """
        is_known = self.obstacle.costs_connection and self.obstacle.is_denied
        if unanswered if is_known else self.suspicion.closed(unanswered, is_evidence=is_evidence):
            self.denied(now_s, costs_connection=True)

    def denied(self, now_s: float, *, costs_connection: bool = False) -> None:
        """The broker does not allow the events topic, and says so, or hangs up."""
        if self.obstacle.deny(now_s, costs_connection=costs_connection):
            self._log.error("stream_denied", why="the broker does not allow us to publish on the events topic")

    def next_batch(self, now_s: float, uptime_ms: int) -> Batch | None:
        """What to send now, which then counts as sent; None when there is nothing, or a reason to wait.

        While nobody listens, one event asks whether somebody does.
        """
        if not self._may_send(now_s):
            return None
        if self._is_overlooked and now_s >= self._look_at_s:
            self.feed.may_have_more = True
        batch = self._next_again(uptime_ms) if self._again else self._next_new(now_s, uptime_ms)
        if batch is not None:
            self._unanswered += 1
            self.obstacle.sent()
            self.counters.messages += 1
            self.counters.events += len(batch.entries)
        return batch

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until ``next_batch`` may have something; None when it takes news or an answer first."""
        if self._is_overlooked:
            return max(self._look_at_s - now_s, self.obstacle.wait_s(now_s))
        if not (self._again or self.feed.may_have_more) or (self._unanswered and not self._may_send(inf)):
            return None
        obstacle_s = self.obstacle.wait_s(now_s)
        if obstacle_s or self._again:
            return obstacle_s
        return self._pace.wait_s(max(self._outbox.pending, 1))

    def answered(self, batch: Batch, reason: int, now_s: float) -> None:
        """The broker's answer to a message."""
        self._unanswered -= 1
        if reason == NO_SUBSCRIBER and self._needs_subscriber:
            self.counters.held += 1
            self._again = _in_order(self._again, batch.entries)
            if self.obstacle.hold(now_s):
                why = "nobody subscribes to the events topic; see outbox.hold_when_no_subscriber"
                self._log.warning("stream_held", why=why, pending=self._outbox.pending)
        elif reason < FAILURE:
            if self.obstacle.costs_connection:
                self.feed.turn_back()
            if self.obstacle.delivered():
                self._log.info("stream_resumed", pending=self._outbox.pending)
            if reason == NO_SUBSCRIBER:
                self.counters.no_subscriber += len(batch.entries)
            self.counters.acknowledged += len(batch.entries)
            self.feed.delivered(batch)
        else:
            self.counters.refused += 1
            self._refused(batch, reason, now_s)

    @property
    def _is_overlooked(self) -> bool:
        """Whether events wait of which nobody told us: stored in passing, or unreadable at the last look."""
        return not (self._again or self._unanswered or self.feed.may_have_more) and self._outbox.pending > 0

    def _refused(self, batch: Batch, reason: int, now_s: float) -> None:
        if reason in {TOPIC_INVALID, PAYLOAD_INVALID}:
            self._take_apart(batch, f"the broker refused it alone, with 0x{reason:02x}")
            return
        self._again = _in_order(self._again, batch.entries)
        if reason == NOT_AUTHORIZED:
            self.denied(now_s)
        elif self.obstacle.refuse(now_s):
            self._log.warning("stream_refused", reason=f"0x{reason:02x}", pending=self._outbox.pending)

    def _may_send(self, now_s: float) -> bool:
        if self.suspicion.is_careful and self._unanswered:
            return False
        return self.obstacle.lets_pass(self._unanswered, now_s)

    def _next_new(self, now_s: float, uptime_ms: int) -> Batch | None:
        if not self.feed.may_have_more:
            return None
        most = self._pace.allowance(max(self._outbox.pending, 1), now_s)
        if self.obstacle.is_held:
            most = min(most, 1)
        batch = self.feed.read(most, uptime_ms, is_second=self.obstacle.costs_connection) if most else None
        if batch is not None:
            self._pace.spend(len(batch.entries))
        elif self._is_overlooked:
            self._look_at_s = now_s + _LOOK_EVERY_S
        return batch

    def _next_again(self, uptime_ms: int) -> Batch | None:
        entries = self._again.pop(0)
        batch = self.feed.pack(head(entries) if self.obstacle.is_held else entries, uptime_ms)
        rest = entries[len(batch.entries) if batch else 1 :]
        if rest:
            self._again.insert(0, rest)
        return batch

    def _take_apart(self, batch: Batch, why: str) -> None:
        """Find the event that is meant: each is sent alone, and the one refused alone is quarantined."""
        entry = batch.entries[0]
        if len(batch.entries) > 1:
            self._again = _in_order(self._again, *((entry,) for entry in batch.entries))
        elif isinstance(entry, Gap):
            self.feed.skip(entry)
        else:
            self._again = _in_order(self._again, (self.feed.quarantine(entry, why),))


def _in_order(groups: Sequence[tuple[Entry, ...]], *more: tuple[Entry, ...]) -> list[tuple[Entry, ...]]:
    return sorted([*groups, *more], key=lambda group: place(group[0]))
