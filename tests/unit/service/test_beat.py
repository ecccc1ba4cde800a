"""When a health message is worth sending."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.service.health.beat import LEAST_S, Beat


def test_the_first_look_says_something() -> None:
    assert Beat(60.0).wants("a", 1000.0)


def test_while_nothing_changes_one_is_said_per_interval() -> None:
    beat = Beat(60.0)
    said = [now for now in range(601) if beat.is_due(now) and beat.wants("a", now)]
    assert said == list(range(0, 601, 60))


def test_a_change_is_said_soon_and_a_storm_of_changes_every_five_seconds() -> None:
    beat = Beat(60.0)
    signs = [now // 2 for now in range(101)]
    said = [now for now in range(101) if beat.is_due(now) and beat.wants(signs[now], now)]
    assert said == list(range(0, 101, 5))


def test_a_new_connection_is_told_at_once() -> None:
    beat = Beat(60.0)
    assert beat.wants("a", 0.0)
    assert not beat.is_due(1.0)
    beat.hurry()
    assert beat.is_due(1.0)
    assert beat.wants("a", 1.0)


def test_without_an_interval_only_changes_are_said() -> None:
    beat = Beat(None)
    assert beat.wants("a", 0.0)
    assert not any(beat.wants("a", now) for now in range(5, 100_000, 5))
    assert beat.wants("b", 100_000.0)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 3)), max_size=60), st.sampled_from([10.0, 60.0]))
def test_never_two_within_five_seconds_nor_silent_for_longer_than_the_interval(
    turns: list[tuple[float, int]], interval_s: float
) -> None:
    """But for the length of a turn, which is nobody's choice here."""
    beat, now_s, said_s = Beat(interval_s), 0.0, -1000.0
    for pause_s, sign in turns:
        before_s, now_s = now_s, now_s + pause_s
        if beat.is_due(now_s) and beat.wants(sign, now_s):
            assert now_s - said_s >= LEAST_S
            said_s = now_s
        assert said_s < 0 or before_s - said_s < interval_s + 20
