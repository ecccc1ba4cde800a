"""What the tests of publishing share: events, a log that is read, an outbox without a disk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from proving.logs import Journal

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, FailureCode, Stamp
from sensor_gateway.testing.memory_outbox import MemoryOutbox

WALL_MS = 1_795_449_600_000


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def stamp() -> Callable[[int], Stamp]:
    def at(uptime_ms: int, clock: ClockState = ClockState.SYNCED) -> Stamp:
        return Stamp(uptime_ms=uptime_ms, wall_ms=WALL_MS + uptime_ms, clock=clock)

    return at


@pytest.fixture
def source() -> Callable[[str], Source]:
    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)
    return lambda sensor: Source(sensor=sensor, channel=channel)


@pytest.fixture
def event(source: Callable[[str], Source], stamp: Callable[[int], Stamp]) -> Callable[..., ChangeEvent]:
    def make(value: float | None = 21.5, *, sensor: str = "attic", uptime_ms: int = 0) -> ChangeEvent:
        return ChangeEvent(
            source=source(sensor),
            value=value,
            quality=Quality.BAD if value is None else Quality.GOOD,
            reason=Reason.CHANGE,
            code=FailureCode.NACK if value is None else None,
            stamp=stamp(uptime_ms),
        )

    return make
