"""Requests and their answers, as they are written: this page is their manual, and their schemas are made from it.

``service/commands`` reads and writes them; docs/commands.md shows examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.model.event import Quality
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.publishing.shapes.events import Sensor, Unit
from sensor_gateway.publishing.shapes.json_schema import Presence, Says, Schema, object_schema, one_of
from sensor_gateway.publishing.shapes.notation import Name, NotNegative, Time

Transaction: TypeAlias = Annotated[str, Says({"minLength": 1, "maxLength": 64})]
Told: TypeAlias = Annotated[Transaction | None, "That of the request; null where it had none."]
Sentence: TypeAlias = Annotated[str, "The same as a sentence for people, with what to do."]
Sentences: TypeAlias = tuple[str, ...]
Notes: TypeAlias = Annotated[Sentences, "Warnings, and what counts from the next start on."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every request may have."""

    transaction: Annotated[
        Transaction, Presence.AT_TIMES, "Stands in the answer; one that comes twice is carried out once."
    ]
    expires: Annotated[
        str, Says({"format": "date-time"}), Presence.AT_TIMES, "RFC 3339, with its offset: not wanted after it."
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """Poll a sensor now, beside its schedule."""

    sensor: Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRequest:
    """Read the configuration anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLevelRequest:
    """Log more for a while."""

    level: Annotated[Literal["debug", "info"], "info ends it early."]
    for_: Annotated[str, Presence.AT_TIMES, "A duration with its unit, like 10min (which is the default), up to 24h."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChannel:
    """What a channel gave."""

    value: Annotated[float | None, "What an event would say; null where there is none."]
    unit: Unit
    quality: Annotated[Quality, "As in events."]
    code: Annotated[FailureCode, Presence.AT_TIMES, "Why there is no value."]
    reason: Annotated[str, Presence.AT_TIMES, "The same as a sentence."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDone:
    """A sensor was polled."""

    command: Literal["read"]
    transaction: Told
    result: Literal["done"]
    sensor: Sensor
    time: Annotated[Time, "When it was measured."]
    channels: Annotated[Mapping[Name, ReadChannel], "Its published channels, by id."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadDone:
    """The gateway runs by the file as it is now."""

    command: Literal["reload"]
    transaction: Told
    result: Literal["done"]
    outcome: Annotated[Literal["changed", "unchanged"], "Whether anything differed."]
    changes: Annotated[Sentences, "What was changed."]
    notes: Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLevelDone:
    """The log has another level."""

    command: Literal["log-level"]
    transaction: Told
    result: Literal["done"]
    level: Annotated[Literal["debug", "info"], "The level now."]
    for_s: Annotated[NotNegative, "Seconds until it goes back; 0 where it is the usual one."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFailed:
    """A sensor could not be polled."""

    command: Literal["read"]
    transaction: Told
    result: Literal["failed"]
    code: Annotated[
        FailureCode | Literal["unknown_sensor", "not_askable", "busy", "bad_argument"],
        "Why, as docs/commands.md lists it.",
    ]
    reason: Sentence
    sensor: Annotated[Sensor, Presence.AT_TIMES]
    time: Annotated[Time, Presence.AT_TIMES, "When it was tried."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadFailed:
    """The gateway goes on as it was."""

    command: Literal["reload"]
    transaction: Told
    result: Literal["failed"]
    code: Annotated[Literal["faulty", "refused", "busy", "timeout", "bad_argument"], "Why."]
    reason: Sentence
    outcome: Annotated[Literal["faulty", "refused", "busy"], Presence.AT_TIMES, "The same."]
    changes: Annotated[Sentences, Presence.AT_TIMES, "Nothing."]
    notes: Annotated[Notes, Presence.AT_TIMES]
    problems: Annotated[Sentences, Presence.AT_TIMES, "What kept everything as it was, with file, line and column."]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLevelFailed:
    """The log has the level that it had."""

    command: Literal["log-level"]
    transaction: Told
    result: Literal["failed"]
    code: Annotated[Literal["bad_argument"], "Why."]
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCarriedOut:
    """A request was refused."""

    command: Annotated[str, Says({"pattern": "^[a-z0-9_-]{1,32}$"}), "The last level of the request's topic."]
    transaction: Told
    result: Literal["refused"]
    code: Annotated[RefusalCode, "Why."]
    reason: Sentence


REQUESTS: Final[Mapping[str, type]] = {"read": ReadRequest, "reload": ReloadRequest, "log-level": LogLevelRequest}
ANSWERS: Final = (
    ReadDone,
    ReloadDone,
    LogLevelDone,
    ReadFailed,
    ReloadFailed,
    LogLevelFailed,
    NotCarriedOut,
)


def request_schema(command: str) -> Schema:
    """What may be asked on the topic of this command."""
    return object_schema(REQUESTS[command], Envelope)


def response_schema() -> Schema:
    """Every answer."""
    return one_of(map(object_schema, ANSWERS))
