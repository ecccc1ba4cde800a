"""A rig for pollers in virtual time: chips that are functions, plain drivers, and a log that remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from proving.logs import Journal

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Identity, NoOptions, Variant
from sensor_gateway.model.errors import Nack
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import SensorState
from sensor_gateway.model.operations import WriteRead
from sensor_gateway.model.quantity import HUMIDITY, TEMPERATURE
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.simulation.virtual_clock import VirtualClock

T = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
H = Channel(name="humidity", quantity=HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.1)
ASK = WriteRead(b"\x00", 1)


class ChipBus:
    """Answers by ``chips[address](data, count)``; nobody answers elsewhere. Each transfer takes ``takes_s``."""

    def __init__(self, clock: VirtualClock) -> None:
        self.name = "i2c1"
        self.clock = clock
        self.chips: dict[int, Callable[[bytes, int], bytes]] = {}
        self.takes_s = 0.0
        self.trouble: Exception | None = None
        self.open_trouble: Exception | None = None
        self.is_open = False
        self.opened = 0
        self.transfers: list[tuple[float, int, bytes, int]] = []

    def open(self) -> None:
        self.opened += 1
        if self.open_trouble is not None:
            raise self.open_trouble
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        assert self.is_open
        self.clock.advance(self.takes_s)
        self.transfers.append((self.clock.monotonic(), address, data, count))
        if self.trouble is not None:
            raise self.trouble
        if address not in self.chips:
            raise Nack(f"nobody at {address:02x}")
        return self.chips[address](data, count)

    def moments(self, address: int, data: bytes) -> list[float]:
        return [moment for moment, at, sent, _ in self.transfers if at == address and sent == data]


class FakeLine:
    """A serial line in virtual time: bytes come when they were said to, and answers after what was written."""

    def __init__(self, clock: VirtualClock) -> None:
        self.name = "rs485"
        self.clock = clock
        self.coming: list[tuple[float, bytes]] = []
        self.answer: Callable[[bytes], tuple[float, bytes] | None] = lambda _: None
        self.written: list[tuple[float, bytes]] = []
        self.trouble: Exception | None = None
        self.open_trouble: Exception | None = None
        self.is_open = False
        self.wakes = 0
        self.until_s = float("inf")

    def open(self) -> None:
        if self.open_trouble is not None:
            raise self.open_trouble
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def write(self, data: bytes, timeout_s: float) -> None:
        now_s = self.clock.monotonic()
        self.written.append((now_s, data))
        answer = self.answer(data)
        if answer is not None:
            self.say(now_s + answer[0], answer[1])

    def say(self, at_s: float, data: bytes) -> None:
        self.coming.append((at_s, data))
        self.coming.sort(key=lambda said: said[0])

    def read(self, timeout_s: float) -> bytes:
        assert self.is_open
        if self.trouble is not None:
            raise self.trouble
        deadline_s = min(self.clock.monotonic() + timeout_s, self.until_s)
        if not self.coming or self.coming[0][0] > deadline_s:
            self.clock.advance_to(deadline_s)
            return b""
        self.clock.advance_to(self.coming[0][0])
        return self._taken()

    def discard(self) -> int:
        return len(self._taken())

    def wake(self) -> None:
        self.wakes += 1

    def _taken(self) -> bytes:
        now_s = self.clock.monotonic()
        here = [data for at_s, data in self.coming if at_s <= now_s]
        self.coming = self.coming[len(here) :]
        return b"".join(here)


class PlainDriver:
    """One WriteRead per measurement; its byte is the temperature, and the next one, if there is one, the humidity."""

    def __init__(self, names: tuple[str, ...] = ("temperature",)) -> None:
        self.names = names

    def identify(self) -> Any:
        yield WriteRead(b"\x1d", 1)
        return Identity(part="X1", channels=self.names)

    def setup(self) -> Any:
        yield WriteRead(b"\x5e", 1)

    def measure(self) -> Any:
        answer = yield WriteRead(b"\x00", len(self.names))
        return {name: float(value) for name, value in zip(self.names, answer, strict=True)}


class Rig:
    """A poller over a bus, with all that surrounds it. ``run`` plays virtual time."""

    def __init__(self) -> None:
        self.clock = VirtualClock(boot_s=5000.0)
        self.log = Journal()
        self.bus: Any = ChipBus(self.clock)
        self.plans: list[SensorPlan] = []
        self.slack_s = 0.05
        self.capacity = 1000
        self.turns: list[float] = []
        self.events: list[ChangeEvent] = []
        self.states: list[SensorState] = []
        self.wakes = 0
        self.takes = True
        self._next_s = 0.0
        self._poller: Poller | None = None

    def add(
        self,
        name: str = "attic",
        driver: Any = PlainDriver,
        *,
        interval_s: float = 1.0,
        address: int = 0x10,
        channels: tuple[Channel, ...] = (T,),
        heartbeat_ms: int | None = None,
        at_most_ms: int = 0,
        chip: Callable[[bytes, int], bytes] | None = None,
        kind: BusKind = BusKind.I2C,
        power_on: Mapping[str, float] | None = None,
        frozen_after: Mapping[str, int] | None = None,
    ) -> None:
        made = driver if callable(driver) and not isinstance(driver, type) else lambda *_: driver()
        spec = DriverSpec(
            name="x1",
            summary="a chip of the tests",
            bus=kind,
            variants={"x1": Variant(channels=channels)},
            create=made,
            replay=lambda _: {},
            vectors=(),
            power_on=power_on or {},
            frozen_after=frozen_after or {},
        )
        rules = ChangeRules(
            deadband=Absolute(by=0.1),
            heartbeat_ms=heartbeat_ms,
            at_most_ms=at_most_ms,
            interval_ms=round(interval_s * 1000),
            filters=(),
        )
        self.plans.append(
            SensorPlan(
                name=name,
                spec=spec,
                variant="x1",
                options=NoOptions(),
                address=address,
                interval_s=Seconds(interval_s),
                channels=tuple(
                    ChannelPlan(source=Source(sensor=name, channel=channel), rules=rules, is_published=True)
                    for channel in channels
                ),
            )
        )
        if isinstance(self.bus, ChipBus) and chip is not None:
            self.bus.chips[address] = chip
        elif isinstance(self.bus, ChipBus):
            self.bus.chips.setdefault(address, lambda _, count: bytes([20] * count))

    def on_a_line(self) -> FakeLine:
        self.bus = FakeLine(self.clock)
        return self.bus

    @property
    def poller(self) -> Poller:
        if self._poller is None:
            self.outlet = Outlet(self.capacity, self._woken)
            self._poller = Poller(
                bus=self.bus,
                sensors=self.plans,
                clock=self.clock,
                outlet=self.outlet,
                log=self.log,
                slack_s=self.slack_s,
            )
        return self._poller

    def _woken(self) -> None:
        self.wakes += 1

    def turn(self) -> float:
        self.turns.append(self.clock.monotonic())
        wait_s = self.poller.step()
        if self.takes:
            self.take()
        return wait_s

    def take(self) -> None:
        events, states = self.outlet.take()
        self.events += events
        self.states += states

    def run(self, until_s: float) -> Rig:
        """Take turns until the clock stands at ``until_s``, that moment included."""
        is_stream = any(plan.spec.bus is BusKind.SERIAL_STREAM for plan in self.plans)
        if is_stream:
            self.bus.until_s = until_s
        while self._next_s <= until_s:
            self.clock.advance_to(self._next_s)
            wait_s = self.turn()
            self._next_s = self.clock.monotonic() + wait_s
            if is_stream and self._next_s == until_s:
                break
        self.clock.advance_to(until_s)
        return self

    def news(self, sensor: str | None = None) -> list[tuple[str, float | None, str | None]]:
        return [
            (event.reason.value, event.value, None if event.code is None else event.code.value)
            for event in self.events
            if sensor is None or event.source.sensor == sensor
        ]

    def health(self, sensor: str = "attic") -> list[tuple[str, str | None]]:
        return [
            (state.state.value, None if state.code is None else state.code.value)
            for state in self.states
            if state.sensor == sensor
        ]


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture(scope="session")
def make_rig() -> type[Rig]:
    return Rig


@pytest.fixture
def plain_driver() -> type[PlainDriver]:
    return PlainDriver


@pytest.fixture
def recording_log() -> Journal:
    return Journal()


@pytest.fixture
def channels() -> tuple[Channel, Channel]:
    return T, H
