"""What was announced before the clock was set is said again with the right moment, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.retained.undated import Undated

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
