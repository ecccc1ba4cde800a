"""The events, as they are written: this page is their manual, and their schemas are made from it.

``model/event_json.py`` writes them; the closed lists stand in ``model``. Where keys depend on each other (a code, no
value), there are two dataclasses, so that a schema can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.model.event import EventType, GapCause, Quality, Reason
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.publishing.shapes.json_schema import Presence, Says, Schema, object_schema, one_of
from sensor_gateway.publishing.shapes.notation import Boot, Count, EpochName, Name, SeqNumber, Time

EventId: TypeAlias = Annotated[
    str,
    Says({"pattern": "^[a-z0-9_-]+:[0-9]{6,}-[0-9a-f]{8}:[0-9]+$"}),
    "Names the event for good: gateway, epoch and seq. Two messages with one id tell of one event.",
]
Gateway: TypeAlias = Annotated[Name, "Id of the gateway."]
Sensor: TypeAlias = Annotated[Name, "Id of the sensor."]
ChannelName: TypeAlias = Annotated[Name, "Id of the channel."]
QuantityText: TypeAlias = Annotated[str, "What is measured, like temperature; `other` where it has no name of its own."]
Unit: TypeAlias = Annotated[str, "The quantity's one unit."]
Measured: TypeAlias = Annotated[Time, "When it was measured."]
Clock: TypeAlias = Annotated[
    ClockState,
    "What is known of the clock that `time` is from: set, put right later, or never set (then `time` is wrong).",
]
BootId: TypeAlias = Annotated[Boot, "The boot that `uptime_ms` counts from."]
Uptime: TypeAlias = Annotated[Count, "Milliseconds from that boot to the measurement. No setting of a clock moves it."]
Epoch: TypeAlias = Annotated[EpochName, "The life of the numbering that `seq` belongs to."]
Number: TypeAlias = Annotated[SeqNumber, "Rises by one with each event of an epoch."]
From: TypeAlias = Annotated[Time | None, "Time of the first one; null where nobody knows."]
To: TypeAlias = Annotated[Time | None, "Time of the last one; null where nobody knows."]
Cause: TypeAlias = Annotated[GapCause, "Why they are missing."]
Lost: TypeAlias = Annotated[int, Says({"minimum": 1}), "How many are missing."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """News of a channel: a value."""

    id: EventId
    type: Annotated[Literal[EventType.VALUE], "News of a channel."]
    gateway: Gateway
    epoch: Epoch
    seq: Number
    sensor: Sensor
    channel: ChannelName
    quantity: QuantityText
    value: Annotated[float, "What was measured, behind filters; finite."]
    unit: Unit
    quality: Annotated[
        Literal[Quality.GOOD, Quality.UNCERTAIN], "`uncertain`: a filter has not seen enough readings yet."
    ]
    reason: Annotated[Literal[Reason.FIRST, Reason.CHANGE, Reason.HEARTBEAT, Reason.RECOVERY], "Why it is said."]
    time: Measured
    clock: Clock
    boot: BootId
    uptime_ms: Uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """News of a channel: it has no value, and why."""

    id: EventId
    type: Annotated[Literal[EventType.VALUE], "News of a channel."]
    gateway: Gateway
    epoch: Epoch
    seq: Number
    sensor: Sensor
    channel: ChannelName
    quantity: QuantityText
    value: Annotated[None, "There is none."]
    unit: Unit
    quality: Annotated[Literal[Quality.BAD], "There is no value."]
    code: Annotated[FailureCode, "Why there is no value."]
    reason: Annotated[Literal[Reason.FAULT, Reason.HEARTBEAT], "Why it is said; a heartbeat repeats the fault."]
    time: Measured
    clock: Clock
    boot: BootId
    uptime_ms: Uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEpoch:
    """The first event of an epoch, which names the one before."""

    id: EventId
    type: Annotated[Literal[EventType.EPOCH], "A new numbering begins."]
    gateway: Gateway
    epoch: Epoch
    seq: Annotated[Literal[1], "It is the first one."]
    previous: Annotated[EpochName | None, "The epoch before; null where there was none, or nobody knows."]
    previous_last_seq: Annotated[
        Count | None, "The last seq of the epoch before; null where a power cut, or the like, has taken that knowledge."
    ]
    time: Measured
    clock: Clock
    boot: BootId
    uptime_ms: Uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockKnown:
    """The clock of this boot became known, with what to add to the ``uptime_ms`` of all its events."""

    id: EventId
    type: Annotated[Literal[EventType.CLOCK], "The clock was set."]
    gateway: Gateway
    epoch: Epoch
    seq: Number
    offset_ms: Annotated[int, "Milliseconds since 1970 at the moment of boot: time = uptime_ms + offset_ms."]
    time: Measured
    clock: Clock
    boot: BootId
    uptime_ms: Uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Events of the stream that are lost, from one seq to another. Sent again, it is the same to the byte."""

    id: Annotated[
        str,
        Says({"pattern": "^[a-z0-9_-]+:[0-9]{6,}-[0-9a-f]{8}:gap-[0-9]+-[0-9]+$"}),
        "Names the gap for good.",
    ]
    type: Annotated[Literal[EventType.GAP], "Events are missing here."]
    gateway: Gateway
    epoch: Epoch
    from_seq: Annotated[SeqNumber, "The first one that is missing."]
    to_seq: Annotated[SeqNumber, "The last one that is missing."]
    count: Lost
    from_time: From
    to_time: To
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Events that there was no room for, and that therefore never had a seq."""

    id: Annotated[
        str,
        Says({"pattern": "^[a-z0-9_-]+:[0-9]{6,}-[0-9a-f]{8}:gap-before-[0-9]+$"}),
        "Names the gap for good, by the event that it stands before.",
    ]
    type: Annotated[Literal[EventType.GAP], "Events are missing here."]
    gateway: Gateway
    epoch: Epoch
    from_seq: Annotated[None, "They never had one."]
    to_seq: Annotated[None, "They never had one."]
    count: Lost
    from_time: From
    to_time: To
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """What the stream adds to an event that it sends late."""

    replayed: Annotated[
        Literal[True],
        Presence.AT_TIMES,
        "Sent later than `outbox.spill_after`. No part of the event: copies may differ in it.",
    ]


NUMBERED: Final = (Value, Fault, NewEpoch, ClockKnown)
"""Events that have a place of their own in the stream."""

GAPS: Final = (Missing, Refused)


def event_schema() -> Schema:
    """One event, as the stream carries it."""
    return one_of([*(object_schema(shape, Late) for shape in NUMBERED), *map(object_schema, GAPS)])


def stream_schema() -> Schema:
    """One message of the stream: events of one epoch, in order."""
    return {"type": "array", "minItems": 1, "items": event_schema()}
