"""What goes out, apart from the events themselves: topics, and the payloads of retained topics. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sensor_gateway.model.channel import Source
from sensor_gateway.model.event import EventType, Quality
from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.health import SensorState
from sensor_gateway.model.reading import Stamp
from sensor_gateway.model.writing.compact_json import compact_json

NO_VALUE: Final = b"None"
"""What Home Assistant's MQTT sensor takes for "unknown" (its PAYLOAD_NONE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The tree of one gateway: the kind of message comes before the name, so that no name can collide."""

    prefix: str
    gateway: str

    @property
    def status(self) -> str:
        """Whether the gateway is connected; also the topic of the last will."""
        return f"{self.prefix}/{self.gateway}/status"

    @property
    def meta(self) -> str:
        """What the gateway is made of."""
        return f"{self.prefix}/{self.gateway}/meta"

    @property
    def health(self) -> str:
        """Counters and states of the gateway."""
        return f"{self.prefix}/{self.gateway}/health"

    @property
    def events(self) -> str:
        """The stream of events, in arrays."""
        return f"{self.prefix}/{self.gateway}/events"

    def command(self, name: str) -> str:
        """Where a command is asked for."""
        return f"{self.prefix}/{self.gateway}/command/{name}"

    def response(self, name: str) -> str:
        """Where a command is answered that named no other topic."""
        return f"{self.prefix}/{self.gateway}/response/{name}"

    def availability(self, sensor: str) -> str:
        """Whether one sensor works."""
        return f"{self.prefix}/{self.gateway}/availability/{sensor}"

    def state(self, sensor: str, channel: str) -> str:
        """The newest event of one channel."""
        return f"{self.prefix}/{self.gateway}/state/{sensor}/{channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """This life of the program, as its status names it."""

    instance: str
    version: str


def status(state: Literal["online", "offline"], program: Program, since: Stamp) -> bytes:
    """Payload of the status topic."""
    return compact_json(
        {
            "state": state,
            "instance": program.instance,
            "version": program.version,
            "since": rfc3339(since.wall_ms),
        },
    )


def last_will(program: Program) -> bytes:
    """What the broker says of us when we are gone. Nobody knows the moment beforehand, so there is no ``since``."""
    return compact_json({"state": "offline", "instance": program.instance, "version": program.version})


def availability(state: SensorState) -> bytes:
    """Payload of a sensor's availability topic."""
    return compact_json(
        {"state": state.state, "code": state.code, "reason": state.reason, "since": rfc3339(state.since.wall_ms)},
    )


def stale(source: Source, gateway: str, boot: str, now: Stamp) -> bytes:
    """A state message that takes the last value back: no id, epoch, seq or reason, since it is no event."""
    return compact_json(
        {
            "type": EventType.VALUE,
            "gateway": gateway,
            "sensor": source.sensor,
            "channel": source.channel.name,
            "quantity": source.channel.quantity.name,
            "value": None,
            "unit": source.channel.quantity.unit,
            "quality": Quality.STALE,
            "time": rfc3339(now.wall_ms),
            "clock": now.clock,
            "boot": boot,
            "uptime_ms": now.uptime_ms,
        },
    )


def replayed(event: bytes) -> bytes:
    """An encoded event with the mark of one that is sent late."""
    return event[:-1] + b',"replayed":true}'
