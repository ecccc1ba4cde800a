"""A request to read a sensor now, and what is known of it then: the values that cross to the bus thread and back."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.model.event import Quality
from sensor_gateway.model.reading import FailureCode, Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """Read this sensor now. ``number`` is the asker's own, and comes back with the answer."""

    number: int
    sensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKnowledge:
    """What is known of one published channel after the poll: as an event would say it, and why there is no value."""

    channel: str
    value: float | None
    unit: str
    quality: Quality
    code: FailureCode | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAnswer:
    """How the poll ended. ``code`` and ``reason`` say why it failed as a whole; there are no channels then."""

    number: int
    stamp: Stamp
    channels: tuple[ChannelKnowledge, ...]
    code: FailureCode | None
    reason: str
