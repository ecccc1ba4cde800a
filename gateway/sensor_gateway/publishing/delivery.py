"""What goes out on the session, in which order, and whom each answer and each loss is for.

On a new connection: status, meta, availability, states, then the stream. After that announcements go first, and the
newest states, while the stream drains behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Final

from sensor_gateway.model.event import Gap
from sensor_gateway.model.event_json import offset_of
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.discovery.birth import Birth
from sensor_gateway.publishing.incoming import Listener, Reply
from sensor_gateway.publishing.messages import Program, Topics, availability, status
from sensor_gateway.publishing.receiving.receiver import Receiver
from sensor_gateway.publishing.retained.herald import Herald
from sensor_gateway.publishing.retained.removals import Removals
from sensor_gateway.publishing.retained.settlement import NOTHING_TO_SETTLE, Record, Settlement
from sensor_gateway.publishing.retained.undated import Undated
from sensor_gateway.publishing.session import Answer, Session
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.publishing.states import PublishedChannel, RetainedStates
from sensor_gateway.publishing.stream.batch import Batch, Packer, StoredEvent
from sensor_gateway.publishing.stream.events import NOT_AUTHORIZED, EventStream
from sensor_gateway.publishing.stream.feed import SetAside, StreamOutbox
from sensor_gateway.publishing.stream.freshness import Freshness
from sensor_gateway.publishing.stream.pace import Pace
from sensor_gateway.publishing.wire.greeting import Loss, Protocol

_SOON_S: Final = 1.0
_FAILURE: Final = 0x80
NEEDS_MQTT_5: Final = (
    "outbox.hold_when_no_subscriber needs MQTT 5, and the broker speaks 3.1.1 only: events are kept until it does, or "
    "until the option is turned off"
)
_NO_EVIDENCE: Final = {0x89, 0x8B, 0x8D, 0x8E, 0x97, 0x98, 0x9C, 0x9D, 0x9F, 0xA0}
"""Reasons of a DISCONNECT that no packet of ours is to blame for: busy, shutting down, taken over, and the like."""


def _since(state: SensorState, since: Stamp) -> bytes:
    """The state as of a moment that is known better now."""
    return availability(replace(state, since=since))


def _nowhere(_event: StoredEvent, _why: str) -> None:
    """Keep nothing: the log line is all there is."""


def _unkept(_record: Record) -> None:
    """Keep nothing: what was published is not remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingPlan:
    """Everything that is known before the first connection.

    ``boot`` is the first 8 hex digits of the boot id; ``sensors`` are the names of all configured sensors,
    ``channels`` the published ones; ``gap_json`` writes a gap; ``set_aside`` keeps quarantined events. ``discovery``
    is what Home Assistant is told; ``settlement`` what becomes of the topics of earlier lives, and
    ``remember_topics`` is given the record of those that are left.
    ``listeners`` are told what comes in, and so is ``birth``, which says discovery again.
    ``health_interval_s`` is None where nothing is said on the health topic.
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
    listeners: tuple[Listener, ...] = ()
    birth: Birth | None = None
    health_interval_s: float | None = None
    discovery: tuple[Announcement, ...] = ()
    settlement: Settlement = NOTHING_TO_SETTLE
    remember_topics: Callable[[Record], None] = _unkept

    @property
    def topics(self) -> Topics:
        """The tree of this gateway."""
        return Topics(prefix=self.stream.topic_prefix, gateway=self.stream.gateway)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingChange:
    """What is to be published from now on; ``is_broker_changed``: over a new connection, by the plan's settings.

    ``is_moving``: the broker that is left is another one than the new one, and has to learn that we are gone.
    """

    plan: PublishingPlan
    is_broker_changed: bool
    is_moving: bool


class Delivery:
    """Announcements, states and stream of one publisher, through all its connections."""

    def __init__(self, plan: PublishingPlan, outbox: StreamOutbox, *, now_s: float, now: Stamp, log: Log) -> None:
        """Every sensor is starting, and nothing is known of its channels."""
        self._topics = topics = plan.topics
        self._sensors = plan.sensors
        self._with_states = plan.broker.states
        self._log = log
        self._hold_until_s = now_s + plan.stream.clock_hold_s
        self._needs_subscriber = plan.stream.hold_when_no_subscriber
        self._is_deaf = False
        self._freshness = Freshness(boot=plan.boot, late_after_ms=round(plan.stream.spill_after_s * 1000))
        self.stream = EventStream(
            outbox,
            Packer(freshness=self._freshness, gap_json=plan.gap_json),
            Pace(drain_rate=plan.stream.drain_rate, now_s=now_s),
            set_aside=plan.set_aside,
            log=log,
            needs_subscriber=self._needs_subscriber,
        )
        states = RetainedStates(
            plan.channels if plan.broker.states else (),
            topics=topics,
            boot=plan.boot,
            start_uptime_ms=now.uptime_ms,
            payload=plan.broker.payload,
        )
        self.herald = Herald(topics, plan.program, states, now_s=now_s, log=log)
        listeners = plan.listeners if plan.birth is None else (*plan.listeners, plan.birth)
        self.receiver = Receiver(listeners, announce=self.herald.announcements.say, log=log)
        self._undated = Undated(self.herald.announcements.put)
        self._online = partial(status, "online", plan.program)
        self._undated.say(topics.status, now, self._online)
        self.herald.announcements.put(topics.meta, plan.meta)
        reason = "waiting for the first good reading"
        self.note_sensors(
            SensorState(sensor=sensor, state=Availability.STARTING, code=None, reason=reason, since=now)
            for sensor in plan.sensors
        )
        self.removals = Removals(self.herald.announcements, plan.remember_topics)
        self._discover(plan, {})

    def change(self, plan: PublishingPlan, now: Stamp) -> None:
        """Other sensors and channels from now on, of the same gateway in the same place of the tree.

        What has left says so, and its retained topics are cleared; what is new speaks for itself. The stream takes no
        notice.
        """
        announcements, topics = self.herald.announcements, self._topics
        before, self._sensors = self._sensors, plan.sensors
        self._with_states = plan.broker.states
        announcements.put(topics.meta, plan.meta)
        self.herald.states.payload = plan.broker.payload
        self.herald.states.change(plan.channels if self._with_states else (), now.uptime_ms)
        gone = [sensor for sensor in before if sensor not in plan.sensors]
        for sensor in gone:
            self._undated.forget(topics.availability(sensor))
        plan.remember_topics(plan.settlement.meanwhile)
        self._discover(plan, {topics.availability(sensor): availability(_gone(sensor, now)) for sensor in gone})

    def _discover(self, plan: PublishingPlan, last_words: Mapping[str, bytes]) -> None:
        """Take back what the settlement says, and tell what takes its place."""
        self.removals.begin(plan.settlement, last_words)
        for document in plan.discovery:
            self.herald.announcements.put(document.topic, document.payload)
        if plan.birth is not None:
            plan.birth.discovery = plan.discovery

    def note_sensors(self, states: Iterable[SensorState]) -> None:
        """The health of sensors changed."""
        for state in states:
            self._undated.say(self._topics.availability(state.sensor), state.since, partial(_since, state))

    def note_stored(self, stored: Sequence[StoredEvent], now_s: float, uptime_ms: int) -> None:
        """These events, if any, are in the outbox now."""
        if not stored:
            return
        self._freshness.note(stored[0].position, stored[-1].position, uptime_ms)
        self.stream.note_stored(len(stored), stored[-1].position, now_s)
        if self._with_states:
            self.herald.states.offer(stored)
        # Only the first can be a clock event, and most are news of a channel.
        if stored[0].event is None and (offset_ms := offset_of(stored[0].body)) is not None:
            self._undated.correct(offset_ms)
            self.herald.states.correct(offset_ms)

    def begin(self, session: Session, now: Stamp) -> None:
        """A new connection: it gets everything from the start."""
        self.receiver.subscription.begin()
        self._undated.say(self._topics.status, now, self._online)
        self.herald.begin()
        self.stream.rewind(session.room(self._topics.events))
        was_deaf, self._is_deaf = self._is_deaf, self._needs_subscriber and session.protocol is Protocol.V311
        if self._is_deaf and not was_deaf:
            self._log.error("stream_held", why=NEEDS_MQTT_5)

    def settle(self, session: Session, answers: Sequence[Answer], now_s: float) -> None:
        """Take the broker's answers."""
        for answer in answers:
            content = answer.content
            if isinstance(content, Batch):
                self.stream.answered(content, answer.reason, now_s)
            elif isinstance(content, Reply):
                self.receiver.answered(answer.reason)
            else:
                self.herald.answered(session, content, answer.reason, now_s)
                if answer.reason < _FAILURE:
                    self.removals.confirmed(content)

    def send(self, session: Session, now_s: float, now: Stamp) -> None:
        """Send what is due, as far as the window and the socket have room."""
        self.herald.states.expire(now.uptime_ms)
        if not self.receiver.send(session, now_s):
            return
        self.herald.send(session, now_s, now, is_careful=self.stream.suspicion.is_careful)
        if not self.herald.lets_follow or self._held_for_s(now, now_s) > 0:
            return
        while session.window.has_room and session.loss is None:
            batch = self.stream.next_batch(now_s, now.uptime_ms)
            if batch is None or not session.publish(batch, self._topics.events, batch.payload, retain=False):
                return

    def ended(self, session: Session, loss: Loss, now_s: float) -> None:
        """The connection is gone; what was unanswered on it will be read again."""
        is_evidence = loss.by_peer and loss.reason not in _NO_EVIDENCE
        unanswered = list(session.window)
        is_ours = self.receiver.ended(unanswered, loss, now_s, is_evidence=is_evidence)
        if not is_evidence:
            return
        is_ours = is_ours or self.herald.blame(session, unanswered, now_s)
        batches = [content for content in unanswered if isinstance(content, Batch)]
        if is_ours:
            self.stream.closed(batches, now_s, is_evidence=False)
        elif loss.reason == NOT_AUTHORIZED and batches:
            self.stream.denied(now_s, costs_connection=True)
        elif session.is_trusted:
            self.stream.closed(batches, now_s, is_evidence=len(unanswered) == 1)

    def is_idle(self, session: Session, now_s: float) -> bool:
        """Whether nothing is under way, and nothing could be sent soon."""
        stream_s = self.stream.wait_s(now_s)
        is_stream_idle = self._is_deaf or stream_s is None or stream_s > _SOON_S
        return len(session.window) == 0 and is_stream_idle and self.herald.is_idle(now_s) and self.receiver.is_idle

    def wait_s(self, session: Session, now_s: float, now: Stamp) -> float:
        """Seconds until there is something to send, if nothing happens before."""
        wait_s = min(self.herald.wait_s(session, now_s, now), self.receiver.subscription.wait_s(now_s))
        if not session.window.has_room or not self.herald.lets_follow:
            return wait_s
        held_s = self._held_for_s(now, now_s)
        if held_s > 0:
            return min(wait_s, 1.0, held_s)
        stream_s = self.stream.wait_s(now_s)
        return wait_s if stream_s is None else min(wait_s, stream_s)

    def _held_for_s(self, now: Stamp, now_s: float) -> float:
        """How long the stream waits for a subscriber that cannot be seen, or for the clock: not for ever, then."""
        if self._is_deaf:
            return inf
        return self._hold_until_s - now_s if now.clock is ClockState.UNSYNCED else 0.0


def _gone(sensor: str, now: Stamp) -> SensorState:
    reason = "it was taken out of the configuration"
    return SensorState(sensor=sensor, state=Availability.OFFLINE, code=None, reason=reason, since=now)
