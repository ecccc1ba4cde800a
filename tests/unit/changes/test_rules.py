"""Rules refuse what no channel can live by."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from sensor_gateway.changes.rules import Absolute, ChangeRules, Deadband, Relative


def test_an_absolute_deadband_is_the_same_everywhere() -> None:
    assert [Absolute(by=0.1).around(reference) for reference in (-1e6, 0.0, 21.5)] == [0.1, 0.1, 0.1]


def test_a_relative_deadband_is_a_part_of_the_last_value_and_never_less_than_its_floor() -> None:
    deadband = Relative(fraction=0.02, at_least=1.0)
    assert [deadband.around(reference) for reference in (0.0, 50.0, 100.0, -100.0)] == [1.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Absolute(by=-0.1), "deadband: must be 0 or more, got -0.1"),
        (lambda: Absolute(by=math.nan), "deadband: must be 0 or more, got nan"),
        (lambda: Absolute(by=math.inf), "deadband: must be 0 or more, got inf"),
        (lambda: Relative(fraction=0.0, at_least=1.0), "relative: must be above 0, got 0.0"),
        (lambda: Relative(fraction=math.nan, at_least=1.0), "relative: must be above 0, got nan"),
        (lambda: Relative(fraction=0.02, at_least=0.0), "at_least: must be above 0"),
        (lambda: Relative(fraction=0.02, at_least=math.inf), "at_least: must be above 0"),
    ],
)
def test_a_deadband_that_says_nothing_is_refused(make: Callable[[], Deadband], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("heartbeat_ms", "at_most_ms", "interval_ms", "sentence"),
    [
        (0, 0, 1000, "heartbeat: must be above 0, got 0 ms"),
        (1000, -1, 1000, "at_most: must be 0 or more, got -1 ms"),
        (1000, 0, 0, "interval: must be above 0, got 0 ms"),
    ],
)
def test_times_that_cannot_pass_are_refused(
    heartbeat_ms: int, at_most_ms: int, interval_ms: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        ChangeRules(
            deadband=Absolute(by=0.0),
            heartbeat_ms=heartbeat_ms,
            at_most_ms=at_most_ms,
            interval_ms=interval_ms,
            filters=(),
        )
