from __future__ import annotations

from typing import Any

import pytest

from sensor_gateway.model.errors import BusMissing


def walking(data: bytes, count: int) -> bytes:
    """A chip that measures one degree more each time."""
    walking.at = (getattr(walking, "at", 0) + (data == b"\x00")) % 100  # type: ignore[attr-defined]
    return bytes([walking.at] * count)  # type: ignore[attr-defined]


def test_a_turn_hands_over_once_and_wakes_once(rig: Any) -> None:
    for number in range(10):
        rig.add(f"s{number}", address=0x10 + number, chip=walking)
    rig.run(5)
    assert rig.wakes == 6
    assert len(rig.events) == 60


def test_a_turn_without_news_wakes_nobody(rig: Any) -> None:
    rig.add()
    rig.run(50)
    assert rig.wakes == 1


def test_what_finds_no_room_is_counted_and_comes_when_there_is_room(rig: Any) -> None:
    rig.capacity = 3
    rig.takes = False
    rig.add(chip=walking)
    rig.run(10)
    assert rig.outlet.room == 0
    assert rig.poller.counters.refused == 8
    rig.take()
    rig.run(11)
    rig.take()
    values = [event.value for event in rig.events]
    assert len(values) == 4
    assert values[-1] == values[2] + 9, "the newest reading, and none of those between"


def test_a_fault_and_a_recovery_that_find_no_room_both_arrive_in_order(rig: Any) -> None:
    rig.capacity = 1
    rig.takes = False
    rig.add()
    rig.run(1.5)
    chip = rig.bus.chips.pop(0x10)
    rig.run(5)
    rig.bus.chips[0x10] = chip
    rig.run(15)
    rig.take()
    assert rig.news() == [("first", 20.0, None)]
    rig.capacity = 10
    rig.takes = True
    rig.run(20)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "nack"), ("recovery", 20.0, None)]


def test_a_full_outlet_makes_nobody_spin(rig: Any) -> None:
    rig.capacity = 0
    rig.takes = False
    rig.add(interval_s=60.0, heartbeat_ms=5000)
    rig.run(120)
    assert len(rig.turns) < 140


def test_heartbeats_come_with_the_poll_that_is_due_then(rig: Any) -> None:
    rig.bus.takes_s = 0.0007
    rig.add(heartbeat_ms=5000)
    rig.run(30.5)
    assert [reason for reason, _, _ in rig.news()] == ["first"] + ["heartbeat"] * 6
    assert len(rig.turns) == 31, "no turn of their own"


def test_a_heartbeat_comes_without_a_reading_too(rig: Any) -> None:
    rig.add(interval_s=60.0, heartbeat_ms=7000)
    rig.run(30)
    assert [reason for reason, _, _ in rig.news()] == ["first"] + ["heartbeat"] * 4
    assert {event.stamp.uptime_ms for event in rig.events} == {5_000_000}


def test_the_heartbeat_of_a_dead_sensor_repeats_its_fault(rig: Any) -> None:
    rig.add(heartbeat_ms=10_000)
    rig.run(1.5)
    rig.bus.chips.clear()
    rig.run(300)
    kinds = [(reason, code) for reason, _, code in rig.news()]
    assert kinds[:2] == [("first", None), ("fault", "nack")]
    assert set(kinds[2:]) == {("heartbeat", "nack")}
    assert len(kinds[2:]) in (29, 30)


def test_heartbeats_go_on_while_the_bus_is_missing(rig: Any) -> None:
    rig.bus.open_trouble = BusMissing("gone")
    rig.add(heartbeat_ms=3000)
    rig.run(60.5)
    assert len(rig.news()) == 21


def test_a_change_held_by_the_minimum_interval_comes_when_that_ends(rig: Any) -> None:
    rig.add(interval_s=1.0, at_most_ms=2500, chip=walking)
    rig.run(10)
    told = [turn for turn in rig.turns if turn % 1]
    assert told == pytest.approx([2.5, 7.5]) or told == pytest.approx([2.5, 5.0, 7.5], abs=0.6)
    assert all(reason in ("first", "change") for reason, _, _ in rig.news())


def test_states_of_start_are_handed_over_first(rig: Any) -> None:
    rig.add("a")
    rig.add("b", address=0x11)
    rig.turn()
    assert [(state.sensor, state.state.value) for state in rig.states] == [
        ("a", "starting"),
        ("b", "starting"),
        ("a", "online"),
        ("b", "online"),
    ]


def test_wall_clock_jumps_move_no_schedule(rig: Any) -> None:
    rig.add(heartbeat_ms=5000)
    rig.run(3)
    rig.clock.jump_wall(-3e9)
    rig.run(20)
    assert rig.bus.moments(0x10, b"\x00") == pytest.approx(range(21))
    assert len(rig.events) == 5
