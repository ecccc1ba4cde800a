from __future__ import annotations

from dataclasses import dataclass

from hypothesis import assume, given
from hypothesis import strategies as st

from sensor_gateway.sensing.polling.schedule import LATE_WAIT_S, Schedule, next_turn

INTERVALS = st.sampled_from([0.02, 0.1, 0.25, 1.0, 1.5, 7.0, 10.0, 60.0])
SLACK_S = 0.05
TINY = 1e-6


def started(interval_s: float, now_s: float = 0.0) -> Schedule:
    schedule = Schedule(interval_s=interval_s, slack_s=SLACK_S)
    schedule.serve(now_s)
    schedule.end(now_s)
    return schedule


def test_the_first_reading_is_due_at_once() -> None:
    assert Schedule(interval_s=3600.0, slack_s=SLACK_S).from_s < 0


@given(INTERVALS, st.floats(0, 1e6))
def test_after_the_first_reading_deadlines_are_multiples_of_the_interval(interval_s: float, now_s: float) -> None:
    schedule = started(interval_s, now_s)
    multiple = schedule.at_s / interval_s
    assert abs(multiple - round(multiple)) < 1e-6
    assert now_s - SLACK_S <= schedule.at_s <= now_s + 2 * interval_s


@given(INTERVALS, st.lists(st.floats(0, 0.01), min_size=1, max_size=200))
def test_readings_that_are_a_little_late_never_drift(interval_s: float, lags: list[float]) -> None:
    assume(max(lags) < interval_s / 3)
    schedule = started(interval_s)
    for number, lag_s in enumerate(lags, start=1):
        assert abs(schedule.at_s - number * interval_s) < TINY
        schedule.serve(schedule.at_s + lag_s)
        schedule.end(schedule.started_s + lag_s)
    assert schedule.missed == 0


@given(INTERVALS, st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300)), max_size=50))
def test_every_deadline_is_served_or_counted_as_missed(interval_s: float, course: list[tuple[float, float]]) -> None:
    """However late the turns come and however long the polls last: no catching up, and none forgotten."""
    schedule = started(interval_s)
    for lag_s, takes_s in course:
        begun_s = schedule.at_s + lag_s
        schedule.serve(begun_s)
        schedule.end(begun_s + takes_s)
        # The next one can be met, and the one before it could not.
        assert schedule.at_s >= begun_s + takes_s - schedule.slack_s - TINY
        assert schedule.at_s > begun_s - TINY or lag_s + takes_s < interval_s
    served = len(course)
    deadlines = round(schedule.at_s / interval_s) - 1
    assert served + schedule.missed == deadlines


def test_a_deadline_is_accepted_early_but_never_twice() -> None:
    schedule = Schedule(interval_s=0.02, slack_s=SLACK_S)
    schedule.serve(0.0)
    schedule.end(0.0)
    assert schedule.from_s > 0.0


def test_what_passes_while_a_sensor_is_left_alone_is_not_missed_and_the_beat_is_kept() -> None:
    schedule = started(1.0)
    schedule.put_off(17.3)
    schedule.serve(17.3)
    schedule.end(17.3)
    assert (schedule.at_s, schedule.missed) == (18.0, 0)


def test_waits_of_one_poll_are_served_late_by_a_limited_sum() -> None:
    schedule = started(10.0)
    schedule.serve(10.0)
    schedule.wait(10.5)
    assert schedule.latest_s == 10.5 + LATE_WAIT_S
    schedule.serve(10.65)
    schedule.wait(10.7)
    assert abs(schedule.latest_s - 10.75) < TINY
    schedule.serve(10.75)
    schedule.wait(10.8)
    assert schedule.latest_s == 10.8


def test_a_late_wait_never_reaches_past_the_next_deadline() -> None:
    schedule = started(0.25)
    schedule.serve(0.25)
    schedule.wait(0.43)
    assert schedule.latest_s == 0.5


@dataclass
class Wish:
    at_s: float
    latest_s: float


WISHES = st.lists(
    st.builds(lambda at, late: Wish(at, at + late), st.floats(0, 10), st.sampled_from([0.0, 0.05, 0.2])),
    min_size=1,
    max_size=12,
)


@given(WISHES, st.floats(0, 10))
def test_the_next_turn_comes_too_late_for_nobody_and_never_too_early_for_all(wishes: list[Wish], bell_s: float) -> None:
    turn_s = next_turn(wishes, bell_s=bell_s, bell_latest_s=bell_s + 0.05)
    everything = [*wishes, Wish(bell_s, bell_s + 0.05)]
    assert all(turn_s <= wish.latest_s for wish in everything)
    assert turn_s in [wish.at_s for wish in everything]


def test_one_turn_serves_all_waits_that_can_end_together() -> None:
    waits = [Wish(0.008, 0.208), Wish(0.018, 0.218), Wish(0.18, 0.38), Wish(1.0, 1.0)]
    assert next_turn(waits, bell_s=float("inf"), bell_latest_s=float("inf")) == 0.18


def test_a_heartbeat_waits_for_a_poll_that_comes_within_the_slack() -> None:
    assert next_turn([Wish(11.0, 11.0)], bell_s=10.96, bell_latest_s=11.01) == 11.0


def test_nothing_to_do_is_never() -> None:
    assert next_turn([], bell_s=float("inf"), bell_latest_s=float("inf")) == float("inf")
