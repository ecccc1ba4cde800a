from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.driver_spec import Identity
from sensor_gateway.model.operations import Read, Wait, Write, WriteRead

START = Write(b"\x20")


class Slow:
    """Converts for a while, as light sensors do."""

    def __init__(self, wait_s: float = 0.18) -> None:
        self.pause = Wait(wait_s)

    def identify(self) -> Any:
        yield WriteRead(b"\x1d", 1)
        return Identity(part="slow", channels=("temperature",))

    def setup(self) -> Any:
        yield WriteRead(b"\x5e", 1)

    def measure(self) -> Any:
        yield START
        yield self.pause
        answer = yield Read(1)
        return {"temperature": float(answer[0])}


def test_a_sensor_is_read_at_once_and_then_at_multiples_of_its_interval(rig: Any) -> None:
    rig.clock.advance(3.3)
    rig._next_s = 3.3
    rig.add(interval_s=10.0)
    rig.run(50)
    assert rig.bus.moments(0x10, b"\x00") == pytest.approx([3.3, 10, 20, 30, 40, 50])


def test_eight_slow_sensors_convert_at_the_same_time(rig: Any) -> None:
    rig.bus.takes_s = 0.0001
    for number in range(8):
        rig.add(f"light{number}", Slow, address=0x20 + number)
    rig.run(10.99)
    reads = [moment for moment, _, data, count in rig.bus.transfers if not data and count == 1]
    last = [moment for moment in reads if moment >= 10]
    assert len(last) == 8
    assert max(last) - 10 < 0.183
    assert rig.poller.counters.missed == 0


def test_sensors_due_together_share_one_turn(rig: Any) -> None:
    for number in range(20):
        rig.add(f"s{number}", address=0x10 + number)
    rig.run(10.5)
    assert len(rig.turns) == 11
    assert rig.wakes == 1, "nothing changes after the first turn"


def test_sensors_due_within_the_slack_share_one_turn(rig: Any) -> None:
    rig.add("a", interval_s=1.0)
    rig.add("b", interval_s=1.03, address=0x11)
    rig.run(1.5)
    assert len(rig.turns) == 2
    assert rig.bus.moments(0x11, b"\x00")[1] == pytest.approx(1.0)


def test_waits_of_different_length_share_one_turn(rig: Any) -> None:
    for number, wait_s in enumerate((0.008, 0.018, 0.024, 0.18)):
        rig.add(f"s{number}", lambda *_, wait_s=wait_s: Slow(wait_s), address=0x10 + number)
    rig.run(10.99)
    in_the_last_second = [turn for turn in rig.turns if turn >= 10]
    assert in_the_last_second == pytest.approx([10, 10.18])


def test_a_late_wait_is_served_before_the_next_deadline(rig: Any) -> None:
    rig.add("fast", lambda *_: Slow(0.03), interval_s=0.1)
    rig.add("slow", lambda *_: Slow(0.18), interval_s=1.0, address=0x11)
    rig.run(10)
    assert rig.poller.counters.missed == 0


def test_a_conversion_that_is_longer_than_the_interval_misses_deadlines_and_never_overlaps(rig: Any) -> None:
    rig.add(driver=lambda *_: Slow(0.25), interval_s=0.1)
    rig.run(10)
    starts = rig.bus.moments(0x10, START.data)
    assert all(later - sooner >= 0.25 for sooner, later in pairwise(starts))
    assert rig.poller.counters.missed > 50


def test_a_transfer_of_half_a_second_is_counted_and_does_not_shift_the_schedule(rig: Any) -> None:
    rig.add("a", interval_s=0.2)
    rig.run(1.0)
    rig.bus.takes_s = 0.5
    rig.run(1.25)
    rig.bus.takes_s = 0.0
    rig.run(3.0)
    assert rig.poller.counters.missed > 0
    multiples = [moment / 0.2 for moment in rig.bus.moments(0x10, b"\x00") if moment > 2]
    assert multiples == pytest.approx([round(multiple) for multiple in multiples])


def test_a_machine_that_was_stopped_for_hours_catches_up_once(rig: Any) -> None:
    rig.add()
    rig.run(10)
    before = len(rig.bus.transfers)
    rig.clock.advance(8 * 3600.4)
    rig.turn()
    assert len(rig.bus.transfers) == before + 1
    assert rig.poller.counters.missed in range(8 * 3600, 8 * 3600 + 3)


def test_a_turn_is_taken_every_ten_seconds_however_little_there_is_to_do(rig: Any) -> None:
    rig.add(interval_s=3600.0)
    rig.run(100)
    assert len(rig.turns) == 11
    assert rig.poller.progress >= 11


def test_a_bus_without_sensors_turns_and_does_nothing(rig: Any) -> None:
    rig.run(30)
    assert rig.events == []


@settings(max_examples=examples(25), deadline=None)
@given(
    intervals=st.lists(st.sampled_from([0.1, 0.25, 0.5, 1.0, 1.3, 5.0]), min_size=1, max_size=6),
    waits=st.lists(st.sampled_from([0.0, 0.005, 0.05, 0.18]), min_size=6, max_size=6),
    takes_s=st.sampled_from([0.0, 0.0003]),
)
def test_whatever_shares_a_bus_each_sensor_keeps_its_own_beat(
    make_rig: Any, intervals: list[float], waits: list[float], takes_s: float
) -> None:
    rig = make_rig()
    rig.bus.takes_s = takes_s
    for number, (interval_s, wait_s) in enumerate(zip(intervals, waits, strict=False)):
        rig.add(
            f"s{number}",
            lambda *_, wait_s=wait_s: Slow(wait_s),
            interval_s=interval_s,
            address=0x10 + number,
        )
    rig.run(20)
    for number, (interval_s, wait_s) in enumerate(zip(intervals, waits, strict=False)):
        starts = rig.bus.moments(0x10 + number, START.data)
        if wait_s < 0.09 or interval_s > 0.4:
            # A late wait or a neighbour may cost the slack, and nothing adds up.
            late = [abs(moment / interval_s - round(moment / interval_s)) * interval_s for moment in starts[1:]]
            assert max(late, default=0.0) <= 0.05 + 0.01
            assert len(starts) >= 20 / interval_s - 1


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.sampled_from([1.0, 1.02, 2.0, 2.04]), min_size=1, max_size=6))
def test_turns_are_never_closer_than_the_slack(make_rig: Any, intervals: list[float]) -> None:
    rig = make_rig()
    for number, interval_s in enumerate(intervals):
        rig.add(f"s{number}", interval_s=interval_s, address=0x10 + number)
    rig.run(30)
    gaps = [later - sooner for sooner, later in pairwise(rig.turns)]
    assert min(gaps) > 0.01
