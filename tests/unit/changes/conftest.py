"""A channel to talk to: the detector under short words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.changes.detector import ChannelDetector
from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Absolute, ChangeRules, Deadband
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Failure, FailureCode, Reading, Stamp


def _stamp(at_ms: int) -> Stamp:
    return Stamp(uptime_ms=at_ms, wall_ms=1_700_000_000_000 + at_ms, clock=ClockState.SYNCED)


class Talk:
    """One detector; each call gives ``(reason, value or code, quality, measured at)`` or None."""

    def __init__(self, rules: ChangeRules, *, resolution: float = 0.01) -> None:
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=resolution)
        self.source = Source(sensor="attic", channel=channel)
        self.detector = ChannelDetector(self.source, rules)

    def reads(self, at_ms: int, value: float, *, room: bool = True) -> object:
        reading = Reading(source=self.source, value=value, stamp=_stamp(at_ms))
        return self._told(self.detector.offer(reading, has_room=room))

    def fails(self, at_ms: int, code: str = "crc", *, room: bool = True) -> object:
        failure = Failure(source=self.source, code=FailureCode(code), detail="", stamp=_stamp(at_ms))
        return self._told(self.detector.fail(failure, has_room=room))

    def wakes(self, at_ms: int, *, room: bool = True) -> object:
        return self._told(self.detector.wake(_stamp(at_ms), has_room=room))

    @property
    def due(self) -> int | None:
        return self.detector.deadline_ms

    def _told(self, event: ChangeEvent | None) -> object:
        if event is None:
            return None
        assert event.source is self.source
        assert (event.value is None) == (event.quality.value == "bad") == (event.code is not None)
        said = event.value if event.code is None else event.code.value
        assert event.stamp == _stamp(event.stamp.uptime_ms), "the stamp is the measurement's own"
        return event.reason.value, said, event.quality.value, event.stamp.uptime_ms


@pytest.fixture
def talk() -> Callable[..., Talk]:
    """Make a channel: deadband 0.1, heartbeat 60 s, read every second, unless told otherwise."""

    def make(
        *filters: FilterSpec,
        deadband: Deadband | float = 0.1,
        heartbeat_ms: int | None = 60_000,
        at_most_ms: int = 0,
        interval_ms: int = 1000,
        resolution: float = 0.01,
    ) -> Talk:
        rules = ChangeRules(
            deadband=Absolute(by=deadband) if isinstance(deadband, float) else deadband,
            heartbeat_ms=heartbeat_ms,
            at_most_ms=at_most_ms,
            interval_ms=interval_ms,
            filters=filters,
        )
        return Talk(rules, resolution=resolution)

    return make
