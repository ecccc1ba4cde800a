"""What goes out on the session, in which order, and what each answer means.

On a new connection: status, meta, availability, states, then the stream. After that announcements go first, and the
newest states, while the stream drains behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.event import Gap
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.announcements import Announcement, Announcements
from sensor_gateway.publishing.messages import Program, Topics, availability, status
from sensor_gateway.publishing.mqtt import Loss
from sensor_gateway.publishing.session import Answer, Session
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.publishing.states import PublishedChannel, RetainedStates
from sensor_gateway.publishing.stream.batch import Batch, Packer, StoredEvent
from sensor_gateway.publishing.stream.events import FAILURE, NOT_AUTHORIZED, EventStream
from sensor_gateway.publishing.stream.feed import SetAside, StreamOutbox
from sensor_gateway.publishing.stream.freshness import Freshness
from sensor_gateway.publishing.stream.pace import Pace

_ANNOUNCE_AGAIN_S: Final = 5.0
_SOON_S: Final = 1.0
_NO_EVIDENCE: Final = {0x89, 0x8B, 0x8D, 0x8E, 0x97, 0x98, 0x9C, 0x9D, 0x9F, 0xA0}
"""Reasons of a DISCONNECT that no packet of ours is to blame for: busy, shutting down, taken over, and the like."""


def _nowhere(_event: StoredEvent, _why: str) -> None:
    """Keep nothing: the log line is all there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingPlan:
    """Everything that is known before the first connection.

    ``boot`` is the first 8 hex digits of the boot id; ``sensors`` are the names of all configured sensors,
    ``channels`` the published ones; ``gap_json`` writes a gap; ``set_aside`` keeps quarantined events.
    """

    broker: BrokerSettings
    stream: StreamSettings
    program: Program
    boot: str
    sensors: tuple[str, ...]
    channels: tuple[PublishedChannel, ...]
    meta: bytes
    gap_json: Callable[[Gap], bytes]
    set_aside: SetAside = _nowhere

    @property
    def topics(self) -> Topics:
        """The tree of this gateway."""
        return Topics(prefix=self.stream.topic_prefix, gateway=self.stream.gateway)


class Delivery:
    """Announcements, states and stream of one publisher, through all its connections.

    ``is_farewell_taken``: the broker has confirmed that we said offline.
    """

    def __init__(self, plan: PublishingPlan, outbox: StreamOutbox, *, now_s: float, now: Stamp, log: Log) -> None:
        """Every sensor is starting, and nothing is known of its channels."""
        self._topics = plan.topics
        self._program = plan.program
        self._with_states = plan.broker.states
        self._log = log
        self._events_topic = self._topics.events
        self._hold_until_s = now_s + plan.stream.clock_hold_s
        self._announce_from_s = now_s
        self._is_introduced = False
        self._farewell: Announcement | None = None
        self.is_farewell_taken = False
        self._freshness = Freshness(boot=plan.boot, late_after_ms=round(plan.stream.spill_after_s * 1000))
        packer = Packer(freshness=self._freshness, gap_json=plan.gap_json)
        pace = Pace(drain_rate=plan.stream.drain_rate, now_s=now_s)
        self.stream = EventStream(outbox, packer, pace, set_aside=plan.set_aside, log=log)
        self.states = RetainedStates(
            plan.channels if plan.broker.states else (),
            topics=self._topics,
            boot=plan.boot,
            start_uptime_ms=now.uptime_ms,
        )
        self.announcements = Announcements()
        self.announcements.put(self._topics.status, status("online", plan.program, now))
        self.announcements.put(self._topics.meta, plan.meta)
        self.note_sensors(
            SensorState(
                sensor=sensor,
                state=Availability.STARTING,
                code=None,
                reason="waiting for the first good reading",
                since=now,
            )
            for sensor in plan.sensors
        )

    def note_sensors(self, states: Iterable[SensorState]) -> None:
        """The health of sensors changed."""
        for state in states:
            self.announcements.put(self._topics.availability(state.sensor), availability(state))

    def note_stored(self, stored: Sequence[StoredEvent], now_s: float, uptime_ms: int) -> None:
        """These events are in the outbox now."""
        self._freshness.note(stored[0].position, stored[-1].position, uptime_ms)
        self.stream.note_stored(len(stored), stored[-1].position, now_s)
        if self._with_states:
            self.states.offer(stored)

    def begin(self, session: Session, now: Stamp) -> None:
        """A new connection: it gets everything from the start."""
        self._is_introduced = False
        self._announce_from_s = 0.0
        self.announcements.put(self._topics.status, status("online", self._program, now))
        self.announcements.renew()
        self.states.renew()
        self.stream.rewind(session.room(self._events_topic))

    def settle(self, session: Session, answers: Sequence[Answer], now_s: float) -> None:
        """Take the broker's answers."""
        for answer in answers:
            content = answer.content
            if isinstance(content, Batch):
                self.stream.answered(content, answer.reason, now_s)
            elif answer.reason < FAILURE:
                session.is_trusted = session.is_trusted or content.topic == self._topics.status
                if content is self._farewell:
                    self._farewell = None
                    self.is_farewell_taken = True
            elif content is self._farewell:
                self._farewell = None  # the will says the same
            elif answer.reason == NOT_AUTHORIZED:
                if self.announcements.denied(content.topic):
                    self._log.error("topic_denied", topic=content.topic)
            else:
                self.announcements.refused(content)
                self._announce_from_s = now_s + _ANNOUNCE_AGAIN_S

    def send(self, session: Session, now_s: float, now: Stamp) -> None:
        """Send what is due, as far as the window and the socket have room."""
        self.states.expire(now.uptime_ms)
        self._send_announcements(session, now_s)
        if not self._is_introduced:
            # What the broker refuses is tried again later, and does not keep the stream back meanwhile.
            is_resting = now_s < self._announce_from_s
            self._is_introduced = is_resting or not self.announcements.has_due
            if not self._is_introduced:
                return
        if self.states.has_due and not session.wants_write and session.loss is None:
            session.publish_states(self.states.take(now))
        if _is_held(now, now_s, self._hold_until_s):
            return
        while session.window.has_room and session.loss is None:
            batch = self.stream.next_batch(now_s, now.uptime_ms)
            if batch is None or not session.publish(batch, self._events_topic, batch.payload, retain=False):
                return

    def ended(self, session: Session, loss: Loss) -> None:
        """The connection is gone; what was unanswered on it will be read again."""
        if loss.by_peer and session.is_trusted and loss.reason not in _NO_EVIDENCE:
            unanswered = list(session.window)
            batches = [content for content in unanswered if isinstance(content, Batch)]
            self.stream.lost(batches, is_evidence=len(unanswered) == 1)

    def say_goodbye(self, session: Session, now: Stamp) -> None:
        """A clean stop: no value is looked after any more, and then we are gone. The stream rests."""
        self.states.retract()
        if self._with_states:
            session.publish_states(self.states.take(now))
        self._farewell = Announcement(topic=self._topics.status, payload=status("offline", self._program, now))

    def finish(self, session: Session) -> bool:
        """Goes on with the goodbye; True when the broker has answered it, or cannot any more."""
        farewell = self._farewell
        if farewell is None or session.loss is not None:
            return True
        if farewell not in session.window and session.window.has_room:
            session.publish(farewell, farewell.topic, farewell.payload, retain=True)
        return False

    def is_idle(self, session: Session, now_s: float) -> bool:
        """Whether nothing is under way, and nothing could be sent soon."""
        stream_s = self.stream.wait_s(now_s)
        is_stream_idle = stream_s is None or stream_s > _SOON_S
        return len(session.window) == 0 and is_stream_idle and not self.announcements.has_due

    def wait_s(self, session: Session, now_s: float, now: Stamp) -> float:
        """Seconds until there is something to send, if nothing happens before."""
        wait_s = self.states.expiry_in_s(now.uptime_ms)
        if not session.window.has_room:
            return wait_s
        if self.announcements.has_due:
            wait_s = min(wait_s, max(self._announce_from_s - now_s, 0.0))
        if _is_held(now, now_s, self._hold_until_s):
            return min(wait_s, 1.0, self._hold_until_s - now_s)
        stream_s = self.stream.wait_s(now_s)
        return wait_s if stream_s is None else min(wait_s, stream_s)

    def _send_announcements(self, session: Session, now_s: float) -> None:
        while now_s >= self._announce_from_s and session.window.has_room and session.loss is None:
            announcement = self.announcements.take()
            if announcement is None:
                return
            topic, payload = announcement.topic, announcement.payload
            if len(payload) > session.room(topic):
                self._log.error("message_too_large", topic=topic, bytes=len(payload), most=session.room(topic))
            else:
                session.publish(announcement, topic, payload, retain=True)


def _is_held(now: Stamp, now_s: float, until_s: float) -> bool:
    """Whether the stream waits for the clock: so that its events need no correction, and not for ever."""
    return now.clock is ClockState.UNSYNCED and now_s < until_s
