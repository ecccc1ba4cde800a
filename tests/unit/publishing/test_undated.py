"""What was announced before the clock was set is said again with the right moment, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.delivery import Delivery, PublishingPlan
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.retained.undated import Undated
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.publishing.wire.greeting import Protocol
from sensor_gateway.testing.memory_outbox import MemoryOutbox

Stamps = Callable[..., Stamp]


def _payload(name: str) -> Callable[[Stamp], bytes]:
    return lambda moment: f"{name} since {rfc3339(moment.wall_ms)}".encode()


@pytest.fixture
def said() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def undated(said: list[tuple[str, bytes]]) -> Undated:
    return Undated(lambda topic, payload: said.append((topic, payload)))


def test_what_was_said_by_an_unset_clock_is_said_again_with_its_right_moment(
    undated: Undated, said: list[tuple[str, bytes]]
) -> None:
    undated.say("a", Stamp(uptime_ms=5000, wall_ms=5000, clock=ClockState.UNSYNCED), _payload("a"))
    undated.correct(1_795_449_600_000)
    undated.correct(0)
    assert said == [("a", b"a since 1970-01-01T00:00:05.000Z"), ("a", b"a since 2026-11-23T16:00:05.000Z")]


def test_what_was_said_by_a_set_clock_or_again_since_is_left_alone(
    undated: Undated, said: list[tuple[str, bytes]], stamp: Stamps
) -> None:
    undated.say("a", stamp(1), _payload("a"))
    undated.say("b", stamp(1, ClockState.UNSYNCED), _payload("b"))
    undated.say("b", stamp(2), _payload("b"))
    undated.say("c", stamp(1, ClockState.UNSYNCED), _payload("c"))
    undated.forget("c")
    said.clear()
    undated.correct(0)
    assert said == []


def test_of_a_topic_that_speaks_often_only_the_newest_is_remembered(
    undated: Undated, said: list[tuple[str, bytes]], stamp: Stamps
) -> None:
    for second in range(1000):
        undated.say("a", stamp(second, ClockState.UNSYNCED), _payload("a"))
    said.clear()
    undated.correct(0)
    assert len(said) == 1


def test_once_the_clock_is_set_the_status_tells_the_moment_of_the_connection(journal: Any, stamp: Stamps) -> None:
    """And not that of the start, which was said before there was a connection."""
    plan = PublishingPlan(
        broker=BrokerSettings(host="h", port=1883, client_id="c"),
        stream=StreamSettings(gateway="house"),
        program=Program(instance="i", version="0.1.0"),
        boot="1b4e28ba",
        sensors=(),
        channels=(),
        meta=b"{}",
        gap_json=lambda _gap: b"",
    )
    at = [replace(stamp(ms), clock=ClockState.UNSYNCED) for ms in (1000, 61_000)]
    delivery = Delivery(plan, MemoryOutbox(), now_s=1.0, now=at[0], log=journal)
    delivery.begin(SimpleNamespace(room=lambda _topic: 1000, protocol=Protocol.V5), at[1])  # type: ignore[arg-type]
    delivery._undated.correct(1_800_000_000_000)
    said = delivery.herald.announcements._newest[plan.topics.status].payload
    assert json.loads(said)["since"] == "2027-01-15T08:01:01.000Z"
