"""A whole publisher on a real socket: its outbox in memory, its broker scripted or real."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.broker_bench import Basket, BrokerBench, real_outbox
from proving.logs import Journal

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.publishing.states import PublishedChannel
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.service.demonstration import loopback_ports
from sensor_gateway.testing.memory_outbox import MemoryOutbox

BOOT = "1b4e28ba"


class MachineClock:
    """The machine's clocks; ``state`` is what is known of the wall clock."""

    def __init__(self) -> None:
        self.state = ClockState.SYNCED

    def monotonic(self) -> float:
        return time.monotonic()

    def stamp(self) -> Stamp:
        uptime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return Stamp(uptime_ms=uptime_ms, wall_ms=time.time_ns() // 1_000_000, clock=self.state)


class Rig:
    """One publisher with sensors s0, s1, ... of one channel each. ``start`` runs it in its thread."""

    def __init__(
        self,
        port: int,
        *,
        sensors: int = 2,
        lifetime_ms: int = 900_000,
        dialer: Callable[[BrokerSettings], socket.socket] = dial,
        stream: dict[str, Any] | None = None,
        outbox: Any = None,
        listeners: tuple[Any, ...] = (),
        **broker: Any,
    ) -> None:
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)
        self.sources = [Source(sensor=f"s{number}", channel=channel) for number in range(sensors)]
        self.outbox = outbox or MemoryOutbox(boot=BOOT)
        self.clock = MachineClock()
        self.log = Journal()
        self.quarantined: dict[int, str] = {}
        self.basket = Basket()
        settings = {"host": "127.0.0.1", "port": port, "client_id": "greenhouse-1", "retry_max_s": 0.1, **broker}
        self.plan = plan = PublishingPlan(
            broker=BrokerSettings(**settings),
            stream=StreamSettings(gateway="greenhouse", **{"drain_rate": 0.0, **(stream or {})}),
            program=Program(instance="i1", version="0.1.0"),
            boot=BOOT,
            sensors=tuple(source.sensor for source in self.sources),
            channels=tuple(PublishedChannel(source=source, lifetime_ms=lifetime_ms) for source in self.sources),
            meta=b'{"schema_version":1}',
            gap_json=MemoryOutbox(boot=BOOT).encoder.gap,
            set_aside=self.set_aside,
            listeners=listeners,
        )
        self.publisher = Publisher(plan, outbox=self.outbox, clock=self.clock, log=self.log, dialer=dialer)
        self.publisher.outlets = (self.basket,)
        self.thread = threading.Thread(target=self.publisher.run, name="publisher", daemon=True)

    def set_aside(self, event: Any, why: str) -> None:
        self.quarantined[event.position.seq] = why

    def start(self) -> Rig:
        self.thread.start()
        return self

    def event(self, value: float, sensor: int = 0, *, reason: Reason = Reason.CHANGE) -> ChangeEvent:
        return ChangeEvent(
            source=self.sources[sensor],
            value=value,
            quality=Quality.GOOD,
            reason=reason,
            code=None,
            stamp=self.clock.stamp(),
        )

    def put(self, *events: ChangeEvent) -> None:
        """Hand over as a poller does: in one go, with one wake."""
        self.basket.events = [*self.basket.events, *events]
        self.publisher.wake()

    def put_values(self, count: int, *, first: float = 0.0, sensor: int = 0) -> None:
        self.put(*(self.event(first + number, sensor) for number in range(count)))

    def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> bool:
        deadline_s = time.monotonic() + timeout_s
        pause = threading.Event()
        while not condition():
            if time.monotonic() > deadline_s:
                return False
            pause.wait(0.005)
        return True

    def until_acknowledged(self, count: int, timeout_s: float = 20.0) -> bool:
        return self.until(lambda: len(self.outbox.acknowledged) >= count, timeout_s)

    def stop(self) -> None:
        self.publisher.stop()
        if self.thread.is_alive():
            self.thread.join(10.0)
            assert not self.thread.is_alive(), "the publisher does not stop"
        self.publisher.close()


def seqs(payload: bytes) -> list[int]:
    """Of the events in one message of the stream; of a gap, the first one missing."""
    return [fields.get("seq", fields.get("from_seq")) for fields in json.loads(payload)]


@pytest.fixture
def rig() -> Iterator[Callable[..., Rig]]:
    """Makes publishers, and ends them."""
    made: list[Rig] = []

    def make(port: int, **settings: Any) -> Rig:
        made.append(Rig(port, **settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()
    gc.collect()


@pytest.fixture
def bench() -> Iterator[Callable[..., BrokerBench]]:
    """Makes publishers in virtual time, each with a broker of its own, and ends them."""
    made: list[BrokerBench] = []

    def make(*arguments: Any, **settings: Any) -> BrokerBench:
        made.append(BrokerBench(*arguments, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def make_outbox(tmp_path: Path) -> Callable[..., Outbox]:
    """The real outbox in the test's folder, on a clock in virtual time."""
    return lambda clock, **more: real_outbox(tmp_path, clock, **more)


@pytest.fixture
def read_seqs() -> Callable[[bytes], list[int]]:
    return seqs


@pytest.fixture
def free_port() -> int:
    return loopback_ports.free_port()
