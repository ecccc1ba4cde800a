"""What becomes an event while there is room: one example per rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.changes.filters import Clamp, ExponentialAverage, Median, Multiply, Offset, SkipInitial
from sensor_gateway.changes.rules import Relative

Maker = Callable[..., Any]


def test_the_first_reading_is_news(talk: Maker) -> None:
    assert talk().reads(1000, 21.5) == ("first", 21.5, "good", 1000)


def test_a_reading_inside_the_deadband_is_none(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 21.5)
    assert [channel.reads(1000 * n, value) for n, value in enumerate((21.5, 21.599, 21.401, 21.55), 1)] == [None] * 4


@pytest.mark.parametrize("value", [21.6, 21.4, 30.0, -5.0])
def test_a_reading_that_reaches_the_deadband_is_a_change(talk: Maker, value: float) -> None:
    channel = talk()
    channel.reads(0, 21.5)
    assert channel.reads(1000, value) == ("change", value, "good", 1000)


def test_reaching_the_deadband_is_not_left_to_the_noise_of_floats(talk: Maker) -> None:
    """0.3 - 0.2 is below 0.1 in floats, and 21.2 - 21.1 is too."""
    for low in range(400):
        channel = talk()
        channel.reads(0, low / 10)
        assert channel.reads(1000, (low + 1) / 10) is not None, low


def test_the_deadband_is_measured_from_what_was_said_and_not_from_the_last_reading(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert [channel.reads(n * 1000, 20 + n * 0.04) for n in (1, 2)] == [None, None]
    assert channel.reads(3000, 20.12) == ("change", 20.12, "good", 3000)


def test_a_deadband_of_zero_means_any_difference(talk: Maker) -> None:
    channel = talk(deadband=0.0)
    channel.reads(0, 20.0)
    assert channel.reads(1000, 20.0004) is None
    assert channel.reads(2000, 20.001) == ("change", 20.001, "good", 2000)
    assert channel.reads(3000, 20.001) is None


def test_a_deadband_below_the_grid_means_any_difference(talk: Maker) -> None:
    channel = talk(deadband=1e-9)
    channel.reads(0, 20.0)
    assert channel.reads(1000, 20.0) is None
    assert channel.reads(2000, 20.001) is not None


def test_values_are_published_rounded_to_a_tenth_of_the_resolution(talk: Maker) -> None:
    assert talk().reads(0, 21.500000000000004) == ("first", 21.5, "good", 0)
    assert talk(resolution=1.0).reads(0, 21.4567) == ("first", 21.5, "good", 0)
    assert talk(resolution=50.0).reads(0, 433.0) == ("first", 435.0, "good", 0)


def test_minus_zero_is_published_as_zero(talk: Maker) -> None:
    assert str(talk().reads(0, -0.0)) == "('first', 0.0, 'good', 0)"
    assert str(talk().reads(0, -0.0001)) == "('first', 0.0, 'good', 0)"


def test_a_relative_deadband_is_a_part_of_the_last_published_value(talk: Maker) -> None:
    channel = talk(deadband=Relative(fraction=0.02, at_least=0.05))
    channel.reads(0, 100.0)
    assert channel.reads(1000, 101.99) is None
    assert channel.reads(2000, 102.0) == ("change", 102.0, "good", 2000)
    assert channel.reads(3000, 100.0) is None, "2 % of 102 is 2.04 by now"
    assert channel.reads(4000, 99.96) == ("change", 99.96, "good", 4000)


def test_two_percent_around_zero_gives_no_flood(talk: Maker) -> None:
    channel = talk(deadband=Relative(fraction=0.02, at_least=0.05))
    channel.reads(0, 0.0)
    assert [channel.reads(n, 0.04 * (-1) ** n) for n in range(1, 100)] == [None] * 99


def test_a_heartbeat_repeats_the_newest_reading_with_its_own_stamp(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(7000, 20.05)
    assert channel.due == 60_000
    assert channel.wakes(59_999) is None
    assert channel.wakes(60_000) == ("heartbeat", 20.05, "good", 7000)
    assert channel.due == 120_000


def test_a_heartbeat_becomes_the_reference(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(59_000, 20.08)
    channel.wakes(60_000)
    assert channel.reads(61_000, 20.0) is None
    assert channel.reads(62_000, 20.18) == ("change", 20.18, "good", 62_000)


def test_a_heartbeat_that_falls_on_a_reading_tells_of_that_reading(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.reads(60_000, 20.01) == ("heartbeat", 20.01, "good", 60_000)


def test_the_heartbeat_counts_from_the_last_event_of_any_kind(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(50_000, 25.0)
    assert channel.due == 110_000
    assert channel.wakes(60_000) is None


def test_a_late_heartbeat_counts_the_next_one_from_itself(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.wakes(75_000) is not None
    assert channel.due == 135_000


def test_before_anything_was_said_there_is_no_heartbeat(talk: Maker) -> None:
    channel = talk()
    assert channel.due is None
    assert channel.wakes(10**9) is None


def test_without_a_heartbeat_silence_is_unlimited(talk: Maker) -> None:
    channel = talk(heartbeat_ms=None)
    channel.reads(0, 20.0)
    assert channel.due is None
    assert channel.wakes(10**12) is None


def test_the_first_failed_poll_is_a_fault_and_the_next_ones_are_none(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.fails(1000, "nack") == ("fault", "nack", "bad", 1000)
    assert [channel.fails(2000), channel.fails(3000, "timeout")] == [None, None]


def test_a_heartbeat_repeats_a_fault_with_the_newest_failed_try(talk: Maker) -> None:
    channel = talk()
    channel.fails(1000, "nack")
    channel.fails(31_000, "bus_stuck")
    assert channel.wakes(61_000) == ("heartbeat", "bus_stuck", "bad", 31_000)
    assert channel.fails(121_000, "nack") == ("heartbeat", "nack", "bad", 121_000)


@pytest.mark.parametrize("value", [20.0, 20.01, 99.0])
def test_the_first_good_reading_after_a_fault_is_a_recovery(talk: Maker, value: float) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.fails(1000)
    assert channel.reads(2000, value) == ("recovery", value, "good", 2000)
    assert channel.reads(3000, value) is None


def test_a_first_good_reading_after_an_initial_fault_is_a_recovery(talk: Maker) -> None:
    channel = talk()
    assert channel.fails(0, "missing") == ("fault", "missing", "bad", 0)
    assert channel.reads(1000, 20.0) == ("recovery", 20.0, "good", 1000)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_fault_out_of_range(talk: Maker, value: float) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.reads(1000, value) == ("fault", "range", "bad", 1000)
    assert channel.reads(2000, value) is None
    assert channel.reads(3000, 20.0) == ("recovery", 20.0, "good", 3000)


def test_filters_that_leave_the_numbers_give_a_fault_and_begin_anew(talk: Maker) -> None:
    channel = talk(Median(n=1), Multiply(by=1e200), Multiply(by=1e-200), Clamp(low=0.0, high=100.0))
    assert channel.reads(0, 20.0) == ("first", 20.0, "good", 0)
    assert channel.reads(1000, 1e200) == ("fault", "range", "bad", 1000)
    assert channel.reads(2000, 20.0) == ("recovery", 20.0, "good", 2000)


def test_filters_come_before_the_deadband(talk: Maker) -> None:
    channel = talk(Offset(by=-0.3))
    assert channel.reads(0, 21.8) == ("first", 21.5, "good", 0)
    assert channel.reads(1000, 21.85) is None


def test_values_of_a_filter_that_is_not_full_are_uncertain_and_becoming_good_is_a_change(talk: Maker) -> None:
    channel = talk(Median(n=3))
    told = [channel.reads(1000 * n, 20.0) for n in range(5)]
    assert told == [("first", 20.0, "uncertain", 0), None, ("change", 20.0, "good", 2000), None, None]


def test_a_spike_as_first_sample_is_uncertain(talk: Maker) -> None:
    channel = talk(Median(n=5))
    told = [channel.reads(1000 * n, value) for n, value in enumerate([99.0] + [20.0] * 9)]
    assert told[0] == ("first", 99.0, "uncertain", 0)
    assert [event[1] for event in told if event and event[2] == "good"] == [20.0]


def test_no_good_event_after_a_long_fault_carries_what_was_measured_before_it(talk: Maker) -> None:
    channel = talk(Median(n=5))
    for n in range(10):
        channel.reads(1000 * n, 20.0)
    for n in range(10, 3610):
        channel.fails(1000 * n)
    told = [channel.reads(1000 * n, 30.0) for n in range(3610, 3620)]
    assert told[0] == ("recovery", 30.0, "uncertain", 3_610_000)
    assert told[4] == ("change", 30.0, "good", 3_614_000)
    assert not any(event for n, event in enumerate(told) if n not in (0, 4))


def test_filters_begin_anew_after_a_hole_of_more_than_three_intervals(talk: Maker) -> None:
    channel = talk(Median(n=3), heartbeat_ms=None)
    for n in range(3):
        channel.reads(1000 * n, 20.0)
    assert channel.reads(5000, 30.0) is None, "three intervals are no hole: the median is still 20"
    assert channel.reads(8001, 30.0) == ("change", 30.0, "uncertain", 8001)


def test_becoming_uncertain_is_a_change_even_inside_the_deadband(talk: Maker) -> None:
    channel = talk(ExponentialAverage(alpha=0.96))
    assert channel.reads(0, 20.0) == ("first", 20.0, "uncertain", 0)
    assert channel.reads(1000, 20.0) == ("change", 20.0, "good", 1000)
    assert channel.reads(9000, 20.0) == ("change", 20.0, "uncertain", 9000)


def test_skipped_samples_say_nothing_and_keep_a_fault_alive(talk: Maker) -> None:
    channel = talk(SkipInitial(n=2), heartbeat_ms=5000)
    assert [channel.reads(0, 1.0), channel.reads(1000, 2.0)] == [None, None]
    assert channel.due is None
    assert channel.reads(2000, 20.0) == ("first", 20.0, "good", 2000)
    assert channel.fails(3000) == ("fault", "crc", "bad", 3000)
    assert channel.reads(4000, 1.0) is None
    assert channel.reads(8000, 2.0) == ("heartbeat", "crc", "bad", 3000)


def test_an_event_within_the_minimum_interval_is_held_and_the_newest_wins(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000)
    channel.reads(0, 20.0)
    assert [channel.reads(1000, 21.0), channel.reads(2000, 22.0)] == [None, None]
    assert channel.due == 10_000
    assert channel.wakes(9999) is None
    assert channel.wakes(10_000) == ("change", 22.0, "good", 2000)
    assert channel.due == 70_000


def test_a_held_event_is_dropped_when_the_value_came_back(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000)
    channel.reads(0, 20.0)
    channel.reads(1000, 25.0)
    channel.reads(2000, 20.01)
    assert channel.due == 60_000
    assert channel.wakes(10_000) is None


def test_a_reading_at_the_end_of_the_minimum_interval_is_told_at_once(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000)
    channel.reads(0, 20.0)
    channel.reads(1000, 25.0)
    assert channel.reads(10_000, 26.0) == ("change", 26.0, "good", 10_000)


def test_fault_and_recovery_ignore_the_minimum_interval(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000)
    channel.reads(0, 20.0)
    assert channel.fails(1000) == ("fault", "crc", "bad", 1000)
    assert channel.reads(2000, 20.0) == ("recovery", 20.0, "good", 2000)
    assert channel.reads(3000, 25.0) is None
    assert channel.due == 12_000


def test_a_fault_drops_what_was_held(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000)
    channel.reads(0, 20.0)
    channel.reads(1000, 25.0)
    channel.fails(2000)
    assert channel.due == 62_000
    assert channel.wakes(12_000) is None


def test_a_heartbeat_shorter_than_the_minimum_interval_is_kept(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000, heartbeat_ms=4000)
    channel.reads(0, 20.0)
    channel.reads(1000, 25.0)
    assert channel.wakes(4000) == ("heartbeat", 25.0, "good", 1000)
    assert channel.due == 8000
