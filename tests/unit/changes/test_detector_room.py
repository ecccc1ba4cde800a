"""What finds no room is not news yet: it stays due, is counted, and comes in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Maker = Callable[..., Any]


def test_a_refused_value_keeps_its_reference_and_comes_with_the_next_reading(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.reads(1000, 30.0, room=False) is None
    assert channel.reads(2000, 30.0) == ("change", 30.0, "good", 2000)
    assert channel.detector.refused == 1


def test_a_refused_value_comes_without_another_reading_too(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(1000, 30.0, room=False)
    assert channel.due is not None
    assert channel.due <= 1000
    assert channel.wakes(1500) == ("change", 30.0, "good", 1000)
    assert channel.due == 61_500


def test_a_refused_value_that_came_back_is_no_news(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(1000, 30.0, room=False)
    assert channel.reads(2000, 20.0, room=False) is None
    assert channel.reads(3000, 20.0) is None
    assert channel.due == 60_000


def test_a_refused_first_value_stays_due(talk: Maker) -> None:
    channel = talk()
    assert channel.reads(1000, 20.0, room=False) is None
    assert channel.due == 1000
    assert channel.wakes(1100, room=False) is None
    assert channel.wakes(1200) == ("first", 20.0, "good", 1000)


def test_the_newest_of_several_refused_first_values_is_told(talk: Maker) -> None:
    channel = talk()
    channel.reads(1000, 20.0, room=False)
    channel.reads(2000, 30.0, room=False)
    assert channel.reads(3000, 30.0) == ("first", 30.0, "good", 3000)


def test_a_refused_heartbeat_stays_due(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.wakes(60_000, room=False) is None
    assert channel.due == 60_000
    assert channel.wakes(61_000) == ("heartbeat", 20.0, "good", 0)
    assert channel.due == 121_000


def test_a_fault_and_a_recovery_without_room_arrive_in_their_order(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    assert channel.fails(1000, "nack", room=False) is None
    assert channel.fails(2000, "timeout", room=False) is None
    assert channel.reads(3000, 20.0, room=False) is None
    assert channel.due == 1000
    assert channel.wakes(4000) == ("fault", "nack", "bad", 1000)
    assert channel.due == 3000, "more is due at once"
    assert channel.wakes(4000) == ("recovery", 20.0, "good", 3000)
    assert channel.due == 64_000


def test_an_initial_fault_and_its_recovery_arrive_too(talk: Maker) -> None:
    channel = talk()
    channel.fails(1000, room=False)
    channel.reads(2000, 20.0, room=False)
    assert [channel.wakes(3000), channel.wakes(3000)] == [
        ("fault", "crc", "bad", 1000),
        ("recovery", 20.0, "good", 2000),
    ]


def test_any_call_with_room_says_what_is_owed(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.fails(1000, room=False)
    channel.reads(2000, 20.0, room=False)
    assert channel.reads(3000, 20.01) == ("fault", "crc", "bad", 1000)
    assert channel.fails(4000) == ("recovery", 20.0, "good", 2000)
    assert channel.wakes(4000) == ("fault", "crc", "bad", 4000)


def test_a_value_that_moved_on_after_an_owed_recovery_follows_as_a_change(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.fails(1000, room=False)
    channel.reads(2000, 20.0, room=False)
    channel.reads(3000, 25.0, room=False)
    told = [channel.wakes(4000) for _ in range(4)]
    assert told == [
        ("fault", "crc", "bad", 1000),
        ("recovery", 20.0, "good", 2000),
        ("change", 25.0, "good", 3000),
        None,
    ]


@pytest.mark.parametrize("begins_with_a_fault", [True, False])
def test_of_endless_faults_and_recoveries_the_newest_are_kept(talk: Maker, *, begins_with_a_fault: bool) -> None:
    channel = talk()
    if begins_with_a_fault:
        channel.fails(0)
    else:
        channel.reads(0, 20.0)
    for n in range(1, 1000):
        channel.fails(2000 * n, room=False)
        channel.reads(2000 * n + 1000, 20.0 + n, room=False)
    told = []
    while (event := channel.wakes(3_000_000)) is not None:
        told.append(event)
    assert len(told) <= 4
    assert told[-2:] == [("fault", "crc", "bad", 1_998_000), ("recovery", 1019.0, "good", 1_999_000)]
    reasons = [event[0] for event in told]
    assert reasons == (["recovery"] if begins_with_a_fault else []) + ["fault", "recovery"] * (len(told) // 2)


def test_a_held_event_without_room_at_its_end_stays_due(talk: Maker) -> None:
    channel = talk(at_most_ms=10_000)
    channel.reads(0, 20.0)
    channel.reads(1000, 25.0, room=False)
    assert channel.detector.refused == 0, "held, not refused"
    assert channel.wakes(10_000, room=False) is None
    assert channel.wakes(11_000) == ("change", 25.0, "good", 1000)
    assert channel.detector.refused == 1


def test_refused_counts_readings_and_turns_and_no_repeated_wakes(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(1000, 30.0, room=False)
    channel.reads(2000, 40.0, room=False)
    for at_ms in range(2000, 3000):
        channel.wakes(at_ms, room=False)
    assert channel.detector.refused == 2
    channel.fails(3000, room=False)
    channel.fails(4000, room=False)
    assert channel.detector.refused == 3
    channel.reads(5000, 20.0, room=False)
    assert channel.detector.refused == 4


def test_each_refused_heartbeat_counts_once(talk: Maker) -> None:
    channel = talk()
    channel.reads(0, 20.0)
    channel.reads(1000, 30.0, room=False)
    channel.reads(2000, 20.0, room=False)
    assert channel.detector.refused == 1
    for begin in (60_000, 130_000):
        channel.wakes(begin, room=False)
        channel.wakes(begin + 1, room=False)
        channel.wakes(begin + 10_000)
    assert channel.detector.refused == 3
