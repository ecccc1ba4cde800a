"""The whole gateway as ``assemble`` builds it, in virtual time: pollers, publisher and a broker in one thread.

Chips and wires are in software and fail by a scenario; the broker is a scripted one on a real socket. Nothing of the
harness grows with time, so that what grows is the gateway's.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proving.broker_bench import MOST_IDLE_TURNS, SHORTEST_S, VirtualConnector
from proving.outage import PromptDisk
from sensor_gateway.config.loading import load_text
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.publishing.wire.greeting import Will
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service import assembly
from sensor_gateway.service.directories import Directories
from sensor_gateway.simulation.virtual_clock import VirtualClock
from sensor_gateway.testing.fake_broker import Ack, Answer, Connack
from sensor_gateway.testing.mqtt_packets import Packet
from sensor_gateway.testing.stepped_broker import SteppedBroker

CONFIG = """\
gateway: {{id: house}}
mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: {retry_max}}}
outbox: {{keep_free: 0MB, max_size: 8MB, max_age: 1h}}
buses:
  wire: {{type: simulated, kind: i2c, scenario: scenario.yaml}}
  other: {{type: simulated, kind: i2c, scenario: scenario.yaml}}
  rs485: {{type: simulated, kind: serial, scenario: scenario.yaml}}
defaults: {{interval: {interval}, heartbeat: 10min}}
sensors:
  attic: {{driver: bme280, bus: wire, address: 0x76, channels: {{temperature: {{filters: [{{median: 5}}]}}}}}}
  bench: {{driver: bh1750, bus: wire, address: 0x23}}
  cellar: {{driver: sht40, bus: wire, address: 0x44, channels: {{humidity: {{deadband: 0}}}}}}
  door: {{driver: tmp1075, bus: wire, address: 0x48, channels: {{temperature: {{deadband: 0, at_most: 5min}}}}}}
  eaves: {{driver: tmp1075, bus: other, address: 0x48, channels: {{temperature: {{deadband: 0}}}}}}
  hall: {{device: xy-md02, bus: rs485}}
"""


class Counting:
    """A Log that counts what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def info(self, event: str, /, **facts: object) -> None:
        self.counts[event] += 1

    debug = warning = error = info


@dataclass
class Lane:
    """One poller, and when it wants its next turn."""

    poller: Poller
    due_s: float


class House:
    """One gateway in ``folder``. ``refusals`` is the share of messages that the broker refuses for a moment."""

    def __init__(self, folder: Path, *, scenario: str, interval: str = "1min", retry_max: str = "5min") -> None:
        self.clock = VirtualClock(start_s=1000.0, boot_s=1000.0)
        self.log = Counting()
        self.is_open = True
        self.refusals = 0.0
        self.events = 0
        self.faults: Counter[str] = Counter()
        self._chance = random.Random(7)
        self.broker = SteppedBroker(self._answer, connack=self._greeting)
        self.broker.__enter__()
        (folder / "scenario.yaml").write_text(scenario)
        catalogue = DriverCatalogue()
        text = CONFIG.format(port=self.broker.port, interval=interval, retry_max=retry_max)
        loaded = load_text(text, catalogue=catalogue, environ={}, file=folder / "gateway.yaml")
        assert loaded.startable is not None, loaded.faults
        in_place = PromptDisk()
        assembly.Hands.real = classmethod(  # type: ignore[method-assign, assignment]
            lambda cls, wake=None: Hands(disk=in_place, syncer=SyncerInPlace(in_place), is_woken=False)
        )
        (folder / "hot").mkdir()
        self.gateway = assembly.assemble(
            loaded.startable,
            catalogue,
            directories=Directories(state=folder / "state", hot=folder / "hot"),
            environ={"SENSOR_GATEWAY_BOOT_ID": "1b4e28ba2fa111d2883f0016d3cca427"},
            clock=self.clock,
            log=self.log,
        )
        self.publisher = publisher = self.gateway.publisher
        self.lanes = [
            Lane(bus.plan.make_poller(outlet), 0.0)  # type: ignore[arg-type]
            for bus, outlet in zip(self.gateway.buses, publisher.outlets, strict=True)
        ]
        self.connector = VirtualConnector(
            self.gateway.publishing.broker,
            Will(topic=self.gateway.publishing.topics.status, payload=b"{}"),
            wake=publisher.wake,
            chance=random.Random(1),
            clock=self.clock,
            serve=self.broker.serve,
        )
        publisher._link._connector = self.connector
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._calls = 0

    def later(self, after_s: float, call: Callable[[], object]) -> None:
        """Call at a moment of virtual time."""
        self._calls += 1
        heapq.heappush(self._agenda, (self.clock.monotonic() + after_s, self._calls, call))

    def every(self, seconds: float, call: Callable[[], object]) -> None:
        """Call again and again."""

        def again() -> None:
            call()
            self.later(seconds, again)

        self.later(seconds, again)

    def live(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        end_s = self.clock.monotonic() + seconds
        idle = 0
        while (now_s := self.clock.monotonic()) < end_s:
            while self._agenda and self._agenda[0][0] <= now_s:
                heapq.heappop(self._agenda)[2]()
            self._poll(now_s, end_s)
            is_busy = self.connector.turn()
            self.connector.waits_s.clear()
            wait_s = self.publisher.step(0.0)
            is_busy = self.broker.serve() or is_busy
            self.broker.packets.clear()
            if is_busy:
                idle = 0
                continue
            idle = idle + 1 if wait_s <= 0 else 0
            assert idle < MOST_IDLE_TURNS, "the publisher spins"
            due_s = [end_s, self.clock.monotonic() + (max(wait_s, SHORTEST_S) if wait_s > 0 else 0.0)]
            due_s += [self._agenda[0][0]] if self._agenda else []
            due_s += [self.connector.due_s] if self.connector.due_s is not None else []
            due_s += [lane.due_s for lane in self.lanes]
            self.clock.advance_to(min(due_s))

    def cut(self, *, by_reset: bool) -> None:
        """The network ends the connection."""
        self.faults["connection cut"] += self.publisher._link.session is not None
        self.broker.cut(by_reset=by_reset)

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that the broker has accepted."""
        return self.publisher._link.session is not None

    @property
    def fault_count(self) -> int:
        """How many things went wrong so far: on the wires, and between the broker and us."""
        return sum(self.faults.values()) + sum(lane.poller.counters.failures for lane in self.lanes)

    def close(self) -> None:
        for lane in self.lanes:
            lane.poller.stop()
            lane.poller.run()
        session = self.publisher._link.session
        if session is not None:
            session.drop()
        self.gateway.close(to_flash=False)
        self.broker.__exit__(None, None, None)

    def _poll(self, now_s: float, end_s: float) -> None:
        for lane in self.lanes:
            if lane.due_s <= now_s:
                self.clock.limit_s = min([end_s, *(other.due_s for other in self.lanes if other is not lane)])
                wait_s = lane.poller.step()
                lane.due_s = self.clock.monotonic() + max(wait_s, 0.0)

    def _greeting(self, number: int, _packet: Packet) -> Connack:
        if self.is_open:
            return Connack()
        self.faults["connection refused"] += 1
        return Connack(closes=True) if number % 3 else Connack(reason=0x88)

    def _answer(self, packet: Packet) -> Answer:
        if packet.topic.endswith("/events"):
            if self._chance.random() < self.refusals:
                self.faults["message refused"] += 1
                return Ack(reason=0x97)
            self.events += packet.payload.count(b'"id":')
        return Ack()
