"""When a backlog has ended."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.service.health.backlog import Backlog


def ended(*looks: tuple[float, int, int]) -> list[int]:
    """The count after each look, which is given as its time, what was stored until then, and what waits."""
    backlog = Backlog()
    return [backlog.look(appended=appended, waiting=waiting, now_s=now_s) for now_s, appended, waiting in looks]


def test_a_backlog_of_more_than_a_minute_has_ended_when_nothing_waits() -> None:
    assert ended((0, 5, 0), (5, 6, 1), (65, 20, 15), (70, 21, 3), (75, 22, 0), (80, 23, 0)) == [0, 0, 0, 0, 1, 1]


def test_it_has_ended_too_when_only_what_has_just_come_waits() -> None:
    assert ended((0, 6, 1), (65, 20, 15), (70, 24, 12), (75, 30, 6)) == [0, 0, 0, 1]


def test_one_that_was_shorter_is_none() -> None:
    assert ended((0, 5, 0), (5, 6, 1), (60, 20, 15), (64, 21, 0), (70, 22, 0)) == [0] * 5


def test_events_that_are_always_on_their_way_are_none() -> None:
    assert ended(*((5.0 * look, 10 * look + 4, 4) for look in range(100))) == [0] * 100


def test_one_that_goes_on_has_not_ended_although_much_of_it_was_delivered() -> None:
    assert ended((0, 0, 0), (5, 100, 100), (70, 200, 200), (75, 210, 100), (80, 220, 15), (85, 230, 5))[-2:] == [0, 1]


def test_what_an_earlier_life_left_is_one_whenever_it_goes() -> None:
    assert ended((0, 0, 7), (5, 1, 0)) == [0, 1]


@given(st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 20), st.integers(0, 40)), max_size=60))
def test_after_any_backlog_that_was_long_one_end_is_counted_once_nothing_waits(
    steps: list[tuple[float, int, int]],
) -> None:
    """Against the times of all events that wait."""
    backlog, now_s, appended, waits, was_long = Backlog(), 0.0, 0, list[float](), False
    for passed_s, came, went in steps:
        now_s += passed_s
        appended += came
        waits = [*waits, *([now_s] * came)][went:]
        before = backlog.ended
        backlog.look(appended=appended, waiting=len(waits), now_s=now_s)
        was_long = was_long or (bool(waits) and now_s - waits[0] >= 60 + 100)
        if backlog.ended > before:
            assert not any(now_s - since_s >= 100.1 for since_s in waits), "what waits came with the last looks"
            was_long = False
    if was_long:
        ends = backlog.ended
        assert backlog.look(appended=appended, waiting=0, now_s=now_s + 5) == ends + 1
