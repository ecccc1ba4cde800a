"""The retained messages, as they are written: this page is their manual, and their schemas are made from it.

``publishing/messages.py`` and ``publishing/meta.py`` write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.model.event import EventType, Quality
from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.publishing.meta import SCHEMA_VERSION
from sensor_gateway.publishing.shapes.events import (
    BootId,
    ChannelName,
    Clock,
    Fault,
    Gateway,
    QuantityText,
    Sensor,
    Unit,
    Value,
)
from sensor_gateway.publishing.shapes.json_schema import Says, Schema, object_schema, one_of
from sensor_gateway.publishing.shapes.notation import Count, Name, NotNegative, Positive, Time

Instance: TypeAlias = Annotated[str, "This life of the program: another one after each start."]
ProgramVersion: TypeAlias = Annotated[str, "Version of sensor-gateway."]
Label: TypeAlias = Annotated[str, "Name for people; empty where none is configured."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Whether the gateway is connected, said by itself."""

    state: Annotated[Literal["online", "offline"], "`offline` is said at a clean stop."]
    instance: Instance
    version: ProgramVersion
    since: Annotated[Time, "Since when."]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWill:
    """What the broker says when the gateway is gone. Nobody knew the moment beforehand, so there is no ``since``."""

    state: Annotated[Literal["offline"], "The connection ended without a goodbye."]
    instance: Instance
    version: ProgramVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorAvailability:
    """Whether one sensor works."""

    state: Annotated[
        Availability,
        "`starting` until the first good reading; `degraded` after one failed poll, `offline` after two in a row.",
    ]
    code: Annotated[FailureCode | None, "Why it does not work; null where it does, or where it has only begun."]
    reason: Annotated[str, "The same as a sentence for people, with what to do; empty where it works."]
    since: Annotated[Time, "Since when."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Takes the last value of a channel back: it is too old to be shown. No event, so it has no id, epoch or seq."""

    type: Annotated[Literal[EventType.VALUE], "About a channel."]
    gateway: Gateway
    sensor: Sensor
    channel: ChannelName
    quantity: QuantityText
    value: Annotated[None, "Nothing is known now."]
    unit: Unit
    quality: Annotated[Literal[Quality.STALE], "Nothing is known now."]
    time: Annotated[Time, "When the value was taken back."]
    clock: Clock
    boot: BootId
    uptime_ms: Annotated[Count, "Milliseconds from that boot to then."]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeDeadband:
    """A deadband that grows with the value."""

    relative: Annotated[Positive, "Part of the last published value: 0.02 is 2 %."]
    at_least: Annotated[Positive, "And never less than this, in the channel's unit."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMeta:
    """What a channel is, and when it speaks."""

    label: Label
    quantity: QuantityText
    unit: Unit
    ucum: Annotated[str, "The unit's UCUM code."]
    resolution: Annotated[Positive, "The smallest step that the chip can tell, in the unit."]
    deadband: Annotated[
        NotNegative | RelativeDeadband, "How far the value moves before it is news; 0 means any difference."
    ]
    heartbeat_s: Annotated[Positive | None, "Longest silence in seconds; null where there is no limit."]
    at_most_s: Annotated[NotNegative, "Shortest time between two events, in seconds; 0 means none."]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorMeta:
    """What a sensor is, and how often it is read."""

    label: Label
    driver: Annotated[str, "The chip or protocol, as the configuration names it."]
    interval_s: Annotated[Positive, "Seconds between two measurements."]
    channels: Annotated[Mapping[Name, ChannelMeta], "Its published channels, by id."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What the gateway is made of: enough to know units, and when silence is a fault."""

    schema_version: Annotated[int, Says({"const": SCHEMA_VERSION}), "Version of all messages."]
    gateway: Gateway
    label: Label
    version: ProgramVersion
    sensors: Annotated[Mapping[Name, SensorMeta], "Its sensors, by id."]


STATES: Final = (Value, Fault, Stale)
"""What may stand on a state topic as JSON."""


def status_schema() -> Schema:
    """The status topic."""
    return one_of([object_schema(Status), object_schema(LastWill)])


def availability_schema() -> Schema:
    """The availability topic of a sensor."""
    return object_schema(SensorAvailability)


def state_schema() -> Schema:
    """The state topic of a channel."""
    return one_of(map(object_schema, STATES))


def meta_schema() -> Schema:
    """The meta topic."""
    return object_schema(Meta)
