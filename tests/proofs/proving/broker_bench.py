"""The whole publisher on a real socket in virtual time: one thread drives it, its connector and a scripted broker.

Time passes only when neither side has anything to do.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import tenacity

from proving.logs import Quiet
from proving.stream_view import StreamView
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.health import SensorState
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.linking.connector import Connector, NoConnection, Refusal
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.publishing.session import Connection
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.publishing.states import PublishedChannel
from sensor_gateway.publishing.wire.greeting import Will
from sensor_gateway.simulation.virtual_clock import VirtualClock
from sensor_gateway.testing.fake_broker import Ack, Answer, Connack
from sensor_gateway.testing.memory_outbox import MemoryOutbox
from sensor_gateway.testing.mqtt_packets import Packet
from sensor_gateway.testing.stepped_broker import SteppedBroker

BOOT = "1b4e28ba"
SHORTEST_S = 0.001
"""A selector waits no shorter."""

MOST_IDLE_TURNS = 2000
"""Turns without anything to do at one moment of virtual time: more, and the publisher spins."""


class Journal:
    """A Log that keeps what it was told, with the moment."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.lines: list[tuple[float, str, dict[str, Any]]] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.lines.append((self._clock.monotonic(), event, facts))

    warning = info
    error = info

    def names(self) -> list[str]:
        return [event for _, event, _ in self.lines]

    def facts(self, name: str) -> list[dict[str, Any]]:
        return [facts for _, event, facts in self.lines if event == name]


class VirtualConnector(Connector):
    """The connector, whose waits pass in virtual time and whose tries are made while ``serve`` plays the broker."""

    def __init__(self, *arguments: Any, clock: VirtualClock, serve: Callable[[float], object], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._clock = clock
        self._serve = serve
        self._found: deque[Connection | Refusal] = deque()
        self._tries = 0
        self.due_s: float | None = None
        self.waits_s: list[float] = []

    @property
    def is_running(self) -> bool:
        return self.due_s is not None or bool(self._found)

    def start(self) -> None:
        if not self.is_running:
            self._tries = 0
            self._wait(self._first_wait_s())

    def take(self) -> Connection | Refusal | None:
        result = self._found.popleft() if self._found else None
        if isinstance(result, Refusal):
            self._failures += 1
        return result

    def stop(self) -> None:
        self.due_s = None

    def turn(self) -> bool:
        """Try to connect if it is time; whether it was."""
        if self.due_s is None or self._clock.monotonic() < self.due_s:
            return False
        outcome: list[Connection | NoConnection] = []
        thread = threading.Thread(target=lambda: outcome.append(self._tried()))
        thread.start()
        while thread.is_alive():
            self._serve(0.001)
        thread.join()
        self._tries += 1
        (result,) = outcome
        if isinstance(result, NoConnection):
            self._found.append(result.refusal)
            self._wait(self._waits(self._failures)(self._state(result)))
        else:
            self.due_s = None
            self._found.append(result)
        return True

    def _tried(self) -> Connection | NoConnection:
        try:
            return self.connect()
        except NoConnection as error:
            return error

    def _state(self, error: NoConnection) -> tenacity.RetryCallState:
        state = tenacity.RetryCallState(cast("Any", None), None, (), {})
        state.attempt_number = self._tries
        state.set_exception((type(error), error, error.__traceback__))
        return state

    def _wait(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        self.due_s = self._clock.monotonic() + seconds


class Basket:
    """An outlet that the bench fills."""

    def __init__(self) -> None:
        self.events: list[ChangeEvent] = []
        self.states: list[SensorState] = []

    def take(self) -> tuple[list[ChangeEvent], list[SensorState]]:
        taken = (self.events, self.states)
        self.events, self.states = [], []
        return taken


class Watched:
    """An outbox; what is acknowledged through it is also kept for the judge."""

    def __init__(self, outbox: Any) -> None:
        self.inner = outbox
        self.acknowledged: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def acknowledge(self, first: Any, last: Any) -> None:
        self.acknowledged.update(range(first.seq, last.seq + 1))
        self.inner.acknowledge(first, last)


def real_outbox(folder: Path, clock: VirtualClock, *, disk: Disk | None = None, **settings: Any) -> Outbox:
    """The real outbox below ``folder``, with virtual time, and syncs that are done at once."""
    disk = disk or Disk()
    return Outbox.open(
        state_directory=folder / "state",
        hot_directory=folder / "hot",
        gateway="greenhouse",
        settings=OutboxSettings(**{"keep_free": 0, **settings}),
        clock=clock,
        machine=Machine(boot_id=f"{BOOT}-2fa1-11d2-883f-0016d3cca427", hardware_id="test"),
        log=Quiet(),
        hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
    )


class BrokerBench:
    """One publisher and one broker. ``policy`` answers as the fake broker's does, and may call ``later``."""

    def __init__(
        self,
        policy: Callable[[Packet], Answer] = lambda _packet: Ack(),
        *,
        connack: Callable[[int, Packet], Connack] | Connack = Connack(),  # noqa: B008 - frozen
        clock: VirtualClock | None = None,
        outbox: Any = None,
        sensors: int = 2,
        stream: dict[str, Any] | None = None,
        set_aside: Callable[[Any, str], object] | None = None,
        meta: bytes = b'{"schema_version":1}',
        listeners: tuple[Any, ...] = (),
        seed: int = 1,
        **broker: Any,
    ) -> None:
        self.clock = clock or VirtualClock(start_s=1000.0, boot_s=1000.0)
        self.log = Journal(self.clock)
        self.view = StreamView()
        made = outbox(self.clock) if callable(outbox) else outbox
        self.outbox = Watched(made or MemoryOutbox(boot=BOOT))
        self.basket = Basket()
        self.quarantined: dict[int, str] = {}
        self.broker = SteppedBroker(policy, connack=connack)
        self._answer = self.broker.answer
        self.broker.answer = self._watched_answer  # type: ignore[method-assign]
        self.broker.__enter__()
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=0.01)
        self.sources = [Source(sensor=f"s{number}", channel=channel) for number in range(sensors)]
        self._set_aside = set_aside
        plan = replace(self._plan(stream or {}, broker, meta), listeners=listeners)
        self.publisher = Publisher(plan, outbox=self.outbox, clock=self.clock, log=self.log)
        self.publisher.outlets = (self.basket,)
        self.connector = VirtualConnector(
            plan.broker,
            Will(topic=plan.topics.status, payload=b"{}"),
            wake=self.publisher.wake,
            chance=random.Random(seed),
            clock=self.clock,
            serve=self.broker.serve,
        )
        self.publisher._link._connector = self.connector
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._calls = 0
        self._number = 0
        self._seen: dict[tuple[int, int], Packet] = {}
        self._by_id: dict[tuple[int, int], Packet] = {}
        self.promises = {0x00, 0x10}

    def _plan(self, stream: dict[str, Any], broker: dict[str, Any], meta: bytes) -> PublishingPlan:
        settings = {"host": "127.0.0.1", "port": self.broker.port, "client_id": "greenhouse-1", **broker}
        return PublishingPlan(
            broker=BrokerSettings(**settings),
            stream=StreamSettings(gateway="greenhouse", **{"drain_rate": 0.0, **stream}),
            program=Program(instance="i1", version="0.1.0"),
            boot=BOOT,
            sensors=tuple(source.sensor for source in self.sources),
            channels=tuple(PublishedChannel(source=source, lifetime_ms=900_000) for source in self.sources),
            meta=meta,
            gap_json=MemoryOutbox(boot=BOOT).encoder.gap,
            set_aside=self.set_aside,
        )

    def close(self) -> None:
        session = self.publisher._link.session
        if session is not None:
            session.drop()
        self.publisher.close()
        self.broker.__exit__(None, None, None)

    def set_aside(self, event: Any, why: str) -> None:
        if self._set_aside is not None:
            self._set_aside(event, why)
        self.quarantined[event.position.seq] = why

    @property
    def now_s(self) -> float:
        """Since the bench was built."""
        return self.clock.monotonic() - 1000.0

    def event(self, value: float, sensor: int = 0) -> ChangeEvent:
        return ChangeEvent(
            source=self.sources[sensor],
            value=value,
            quality=Quality.GOOD,
            reason=Reason.CHANGE,
            code=None,
            stamp=self.clock.stamp(),
        )

    def events(self, count: int, sensor: int = 0) -> Iterable[ChangeEvent]:
        """Events with running values."""
        for _ in range(count):
            self._number += 1
            yield self.event(float(self._number), sensor)

    def put(self, count: int = 1, sensor: int = 0) -> None:
        """Hand over, as a poller does, at the next turn."""
        self.basket.events += self.events(count, sensor)

    def later(self, after_s: float, call: Callable[[], object]) -> None:
        """Call at a moment of virtual time."""
        self._calls += 1
        heapq.heappush(self._agenda, (self.clock.monotonic() + after_s, self._calls, call))

    def every(self, seconds: float, call: Callable[[], object], *, times: int) -> None:
        """Call again and again."""
        for number in range(1, times + 1):
            self.later(number * seconds, call)

    def answer_later(self, after_s: float, packet: Packet, answer: Answer) -> None:
        """Let the broker answer a packet at a moment of virtual time, if its connection still stands."""
        self.later(after_s, lambda: self.broker.answer(packet, answer))

    def run(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Let so much virtual time pass, or less if the condition comes true before; whether it did."""
        end_s = self.clock.monotonic() + seconds
        idle = 0
        while not until():
            while self._agenda and self._agenda[0][0] <= self.clock.monotonic():
                heapq.heappop(self._agenda)[2]()
            is_busy = self.connector.turn()
            wait_s = self.publisher.step(0.0)
            if self.broker.serve() or is_busy or self.basket.events:
                idle = 0
                continue
            now_s = self.clock.monotonic()
            if now_s >= end_s:
                return bool(until())
            idle = idle + 1 if wait_s <= 0 else 0
            assert idle < MOST_IDLE_TURNS, "the publisher spins"
            due_s = [end_s, now_s + (max(wait_s, SHORTEST_S) if wait_s > 0 else 0.0)]
            due_s += [self._agenda[0][0]] if self._agenda else []
            due_s += [self.connector.due_s] if self.connector.due_s is not None else []
            self.clock.advance_to(min(due_s))
        return True

    def finish(self, within_s: float = 3600.0) -> list[str]:
        """Let everything arrive, and give what speaks against the publisher then."""
        if not self.run(within_s, lambda: not self.outbox.pending and not self.basket.events):
            return [f"{self.outbox.pending} still wait after {within_s} s"]
        return self.faults()

    def faults(self) -> list[str]:
        """What speaks against the publisher, if everything that was handed over should have arrived."""
        return self.view.faults(
            last_seq=self.last_seq, acknowledged=self.outbox.acknowledged, quarantined=self.quarantined
        )

    @property
    def last_seq(self) -> int:
        """The newest event's."""
        inner = self.outbox.inner
        return int(inner._seq if isinstance(inner, MemoryOutbox) else inner._intake.next_seq - 1)

    def _watched_answer(self, packet: Packet, answer: Answer) -> bool:
        is_stream = packet.topic.endswith("/events")
        if is_stream and (packet.connection, packet.number) not in self._seen:
            self._seen[packet.connection, packet.number] = packet
            self._by_id[packet.connection, packet.packet_id] = packet
            self.view.take(packet)
        is_sent = self._answer(packet, answer)
        if is_sent and isinstance(answer, Ack) and answer.reason in self.promises:
            packet_id = packet.packet_id if answer.packet_id is None else answer.packet_id
            meant = self._by_id.get((packet.connection, packet_id))
            if meant is not None:
                self.view.promise(meant)
        return is_sent
