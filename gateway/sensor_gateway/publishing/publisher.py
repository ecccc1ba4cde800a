"""The publisher: the one thread that owns outbox and connection.

Each turn takes what the pollers have, stores it, serves the socket, and sends. Nothing in here waits for anything but
the selector.
"""

from __future__ import annotations

import select
import socket
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.publishing.delivery import Delivery, PublishingChange, PublishingPlan
from sensor_gateway.publishing.health.report import PublisherCounters, PublisherReport, Pulse
from sensor_gateway.publishing.linking.link import Link, LinkReport
from sensor_gateway.publishing.linking.links import Links
from sensor_gateway.publishing.session import Session
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.sources import EventOutlet, PublisherOutbox
from sensor_gateway.publishing.wire.dialing import dial

_LONGEST_WAIT_S: Final = 5.0
"""A turn comes at least so often, so that supervision sees progress."""

_LAST_EVENTS_S: Final = 1.0
"""A clean stop sends what is left for so long; the rest waits in the outbox for the next start."""

_GOODBYE_S: Final = 3.0
_GOODBYE_TURN_S: Final = 0.05


class Publisher:
    """Stores and delivers. ``wake``, ``stop`` and ``change`` are for any thread, the rest for its own.

    ``outlets`` may be replaced as a whole at any time; ``pulse`` is given before the first turn: without one nothing is
    said on the health topic. ``progress`` rises with every turn made, ``changes`` with every change that was made.
    """

    def __init__(
        self,
        plan: PublishingPlan,
        *,
        outbox: PublisherOutbox,
        clock: Clock,
        log: Log,
        dialer: Callable[[BrokerSettings], socket.socket] = dial,
        bell: Bell | None = None,
    ) -> None:
        """Take over ``outbox``; nothing is sent before the first ``step``. ``bell`` is what ``wake`` rings."""
        self.outlets: Sequence[EventOutlet] = ()
        self.pulse: Pulse | None = None
        self.progress = 0
        self.changes = 0
        self._outbox = outbox
        self._clock = clock
        self._log = log
        self._health_topic = plan.topics.health
        self._bell: Bell | None = bell or Bell()
        self._poll = select.epoll()
        self._poll.register(self._bell, select.EPOLLIN)
        self._watched_for_writing = False
        self._ordered: deque[PublishingChange] = deque()
        self._is_stopping = False
        self._is_leaving = False
        self._is_held_back = False
        self._known_clock: ClockState | None = None
        now = clock.stamp()
        self._delivery = Delivery(plan, outbox, now_s=clock.monotonic(), now=now, log=log)
        self._links = Links(plan, wake=self.wake, dialer=dialer, log=log, now=now)

    @property
    def _link(self) -> Link:
        return self._links.link

    @property
    def report(self) -> LinkReport:
        """Whether there is a connection, and why not."""
        return self._link.report

    @property
    def counters(self) -> PublisherCounters:
        """What happened since the start."""
        stream = self._delivery.stream
        counted = stream.counters
        return PublisherCounters(
            connections=self._links.connections,
            messages=counted.messages,
            sent=counted.events,
            acknowledged=counted.acknowledged,
            no_subscriber=counted.no_subscriber,
            refused=counted.refused,
            held=counted.held,
            quarantined=stream.feed.quarantined,
            damaged=stream.feed.damaged,
            unexplained=stream.feed.unexplained,
        )

    def wake(self) -> None:
        """Make the next turn come now."""
        bell = self._bell
        if bell is not None:
            bell.ring()

    def change(self, change: PublishingChange) -> None:
        """Publish by another plan from the next turn on, once all is taken in that the pollers have put before."""
        self._ordered.append(change)
        self.wake()

    def stop(self) -> None:
        """End ``run`` soon, with a goodbye to the broker."""
        self._is_stopping = True
        self.wake()

    def run(self) -> None:
        """Turn after turn until ``stop``. What nobody expected ends it: the supervisor decides what follows."""
        try:
            wait_s = 0.0
            while not self._is_stopping:
                wait_s = self.step(wait_s)
            self._say_goodbye()
        except Exception as error:  # noqa: BLE001 - the top of the thread
            self._log.error("publisher_failed", error=repr(error), traceback=traceback.format_exc())
            self._link.drop(self._clock.stamp())

    def step(self, wait_s: float = 0.0) -> float:
        """Wait for something to happen, at most ``wait_s``, and do one turn. Seconds until the next one is wanted."""
        ready = dict(self._poll.poll(wait_s))
        if self._bell is not None and self._bell.fileno() in ready:
            self._bell.heard()
        now_s = self._clock.monotonic()
        now = self._clock.stamp()
        self._take_in(now_s, now)
        self._delivery.receiver.tend(now_s, now)
        session = self._serve(ready, now_s, now)
        tend_s = self._outbox.tend()
        next_s = min(_LONGEST_WAIT_S, self._delivery.receiver.wait_s(now_s))
        next_s = next_s if tend_s is None else min(tend_s, next_s)
        if session is not None:
            # What is held back for a renewal goes out on the next connection.
            sending_s = next_s if self._link.is_renewing else self._delivery.wait_s(session, now_s, now)
            next_s = min(next_s, session.wait_s(), sending_s)
            session.will_wait(next_s)
        self.progress += 1
        return 0.0 if session is None and not self._link.is_seeking else next_s

    def close(self) -> None:
        """Give back what ``run`` used, after it has ended. Later calls of ``wake`` do nothing."""
        self._link.stop(self._clock.stamp())
        bell, self._bell = self._bell, None
        if bell is not None:
            self._poll.close()

    def _take_in(self, now_s: float, now: Stamp) -> None:
        change = self._ordered.popleft() if self._ordered else None  # before the outlets are looked at: see ``change``
        events: list[ChangeEvent] = []
        for outlet in self.outlets:
            news, states = outlet.take()
            events += news
            if states:
                self._delivery.note_sensors(states)
                if self.pulse is not None:
                    self.pulse.note_sensors(states)
        if now.clock is not self._known_clock:
            self._known_clock = now.clock
            self._delivery.note_stored(self._outbox.append(()), now_s, now.uptime_ms)
        if events or self._is_held_back:
            stored = self._outbox.append(events)
            taken = len(stored) - any(one.event is None for one in stored[:1])  # an event on the clock came by itself
            self._is_held_back = taken < max(len(events), 1)
            self._delivery.note_stored(stored, now_s, now.uptime_ms)
        if change is not None:
            self._make(change, now)

    def _make(self, change: PublishingChange, now: Stamp) -> None:
        self._delivery.change(change.plan, now)
        if self.pulse is not None:
            self.pulse.change(change.plan.sensors, interval_s=change.plan.health_interval_s, now=now)
        if change.is_broker_changed:
            self._links.renew(change.plan, now, is_moving=change.is_moving)
        self.changes += 1
        if self._ordered:
            self.wake()

    def _serve(self, ready: dict[int, int], now_s: float, now: Stamp) -> Session | None:
        """One turn of the connection; gives the session if there is one after it."""
        delivery = self._delivery
        begun = None if self._is_leaving else self._link.attend(now_s, now)
        session = self._link.session
        if session is None:
            self._tell_health(None, now_s, now)
            return None
        happened = ready.get(session.descriptor, 0)
        if begun is not None:
            happened = 0
            self._poll.register(session.descriptor, select.EPOLLIN)
            self._watched_for_writing = False
            delivery.begin(session, now)
            if self.pulse is not None:
                self.pulse.begin()
        answers = session.turn(
            now_s, readable=bool(happened & ~select.EPOLLOUT), writable=bool(happened & select.EPOLLOUT)
        )
        delivery.settle(session, answers, now_s)
        delivery.receiver.hear(session, now_s, now)
        if session.loss is None and not self._is_leaving and not self._link.is_renewing:
            self._tell_health(session, now_s, now)
            delivery.send(session, now_s, now)
        loss = session.loss
        if loss is not None:
            delivery.ended(session, loss, now_s)
            self._link.lost(loss, now_s, now)  # its socket is closed, and with that no longer watched
            return None
        if session.wants_write is not self._watched_for_writing:
            self._watched_for_writing = session.wants_write
            self._poll.modify(session.descriptor, select.EPOLLIN | (select.EPOLLOUT if session.wants_write else 0))
        return session

    def _tell_health(self, session: Session | None, now_s: float, now: Stamp) -> None:
        """Announce how we are, if it is time; without a connection it is only looked after."""
        pulse, topic = self.pulse, self._health_topic
        if pulse is None or not pulse.is_due(now_s):
            return
        obstacle = self._delivery.stream.obstacle
        report = PublisherReport(
            link=self.report, counters=self.counters, is_denied=obstacle.is_denied, is_held=obstacle.is_held
        )
        room = None if session is None else session.room(topic)
        payload = pulse.beat(report, room=room, now_s=now_s, now=now)
        if payload is not None:
            self._delivery.herald.announcements.put(topic, payload)

    def _say_goodbye(self) -> None:
        """Send what is left, take back the states, and say offline; all of it for a bounded time."""
        began_s = self._clock.monotonic()
        wait_s = 0.0
        while True:
            self.step(wait_s)
            session = self._link.session
            now_s = self._clock.monotonic()
            if session is None or self._delivery.is_idle(session, now_s) or now_s - began_s > _LAST_EVENTS_S:
                break
            wait_s = _GOODBYE_TURN_S
        self._is_leaving = True
        if session is not None:
            self._delivery.herald.say_goodbye(session, self._clock.stamp())
        while session is not None and self._clock.monotonic() - began_s < _GOODBYE_S:
            if self._delivery.herald.finish(session):
                break
            self.step(_GOODBYE_TURN_S)
        if self._delivery.herald.is_farewell_taken:
            self._link.stop(self._clock.stamp())
        else:
            self._link.drop(self._clock.stamp())  # DISCONNECT would keep the will back, and we would look online
