"""Filters: each alone, in a chain, and against the plain definition."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.changes.filter_chain import FilterChain
from sensor_gateway.changes.filters import (
    Clamp,
    ExponentialAverage,
    FilterSpec,
    Linear,
    Median,
    MovingAverage,
    Multiply,
    Offset,
    Round,
    SkipInitial,
)

_NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def _fed(values: Sequence[float], *specs: FilterSpec) -> list[float | None]:
    chain = FilterChain(specs)
    return [chain.feed(value) for value in values]


def _settled(count: int, *specs: FilterSpec) -> list[bool]:
    chain = FilterChain(specs)
    settled = []
    for value in range(count):
        chain.feed(float(value))
        settled.append(chain.is_settled)
    return settled


def test_median_hides_a_spike() -> None:
    assert _fed([20.0, 20.1, 99.0, 20.2, 20.1], Median(n=3)) == [20.0, 20.05, 20.1, 20.2, 20.2]


@given(values=_NUMBERS, n=st.integers(1, 9))
def test_median_is_the_median_of_the_last_n_values(values: list[float], n: int) -> None:
    expected = [statistics.median(values[max(0, end - n) : end]) for end in range(1, len(values) + 1)]
    assert _fed(values, Median(n=n)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(values=_NUMBERS, n=st.integers(1, 9))
def test_moving_average_is_the_mean_of_the_last_n_values(values: list[float], n: int) -> None:
    expected = [statistics.fmean(values[max(0, end - n) : end]) for end in range(1, len(values) + 1)]
    assert _fed(values, MovingAverage(n=n)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_moving_average_forgets_a_huge_value_entirely() -> None:
    assert _fed([1e17, 0.1, 0.1], MovingAverage(n=2))[-1] == 0.1


def test_exponential_average_begins_at_the_first_value_and_moves_by_alpha() -> None:
    assert _fed([10.0, 20.0, 20.0], ExponentialAverage(alpha=0.5)) == [10.0, 15.0, 17.5]


@given(alpha=st.floats(0.01, 0.99))
def test_exponential_average_settles_when_its_first_value_weighs_five_percent(alpha: float) -> None:
    settled = _settled(400, ExponentialAverage(alpha=alpha))
    at = settled.index(True)
    assert all(settled[at:])
    assert (1 - alpha) ** at <= 0.05 + 1e-9
    assert (1 - alpha) ** (at - 1) > 0.05 - 1e-9


def test_exponential_average_with_alpha_one_is_the_value_itself() -> None:
    assert _settled(1, ExponentialAverage(alpha=1)) == [True]
    assert _fed([1.0, 7.0], ExponentialAverage(alpha=1)) == [1.0, 7.0]


def test_offset_and_multiply_are_applied_in_the_order_written() -> None:
    assert _fed([10.0], Offset(by=1.0), Multiply(by=2.0)) == [22.0]
    assert _fed([10.0], Multiply(by=2.0), Offset(by=1.0)) == [21.0]


@pytest.mark.parametrize(
    ("raw", "true"), [(0.0, 0.0), (5.0, 10.0), (10.0, 20.0), (15.0, 21.0), (20.0, 22.0), (-5.0, -10.0), (30.0, 24.0)]
)
def test_linear_joins_its_points_and_goes_on_beyond_the_ends(raw: float, true: float) -> None:
    assert _fed([raw], Linear(points=((0.0, 0.0), (10.0, 20.0), (20.0, 22.0)))) == [pytest.approx(true)]


@given(
    points=st.dictionaries(st.integers(-100, 100), st.integers(-100, 100), min_size=2, max_size=8),
    place=st.floats(-150, 150),
)
def test_linear_is_the_line_through_the_two_nearest_points(points: dict[int, int], place: float) -> None:
    rising = sorted((float(raw), float(true)) for raw, true in points.items())
    left = max([pair for pair in rising[:-1] if pair[0] <= place], default=rising[0])
    right = rising[rising.index(left) + 1]
    expected = left[1] + (right[1] - left[1]) * (place - left[0]) / (right[0] - left[0])
    assert _fed([place], Linear(points=tuple(rising))) == [pytest.approx(expected, rel=1e-9, abs=1e-9)]


def test_clamp_holds_values_between_its_ends() -> None:
    assert _fed([-1.0, 0.0, 50.0, 100.0, 101.0], Clamp(low=0.0, high=100.0)) == [0.0, 0.0, 50.0, 100.0, 100.0]


def test_round_rounds_to_digits_and_to_tens() -> None:
    assert _fed([21.4567], Round(digits=1)) == [21.5]
    assert _fed([1234.0], Round(digits=-2)) == [1200.0]


def test_skip_initial_gives_nothing_for_the_first_n_values() -> None:
    assert _fed([1.0, 2.0, 3.0, 4.0], SkipInitial(n=2)) == [None, None, 3.0, 4.0]


def test_filters_before_a_skip_see_what_it_drops_and_those_behind_do_not() -> None:
    assert _fed([9.0, 1.0, 2.0], MovingAverage(n=3), SkipInitial(n=2)) == [None, None, 4.0]
    assert _fed([9.0, 1.0, 3.0], SkipInitial(n=1), MovingAverage(n=3)) == [None, 1.0, 2.0]


@pytest.mark.parametrize(
    ("specs", "first_settled"),
    [
        ((), 1),
        ((Offset(by=1.0), Round(digits=1)), 1),
        ((Median(n=1),), 1),
        ((Median(n=5),), 5),
        ((MovingAverage(n=4),), 4),
        ((SkipInitial(n=3),), 4),
        ((Median(n=5), MovingAverage(n=3)), 7),
        ((SkipInitial(n=2), Median(n=3)), 5),
    ],
)
def test_a_chain_is_settled_once_every_window_is_full_of_settled_values(
    specs: tuple[FilterSpec, ...], first_settled: int
) -> None:
    assert _settled(10, *specs) == [count >= first_settled for count in range(1, 11)]


@given(spike=st.floats(-1e6, 1e6), n=st.integers(2, 7), following=st.integers(1, 4))
def test_a_spike_as_first_sample_never_reaches_a_settled_value(spike: float, n: int, following: int) -> None:
    chain = FilterChain([Median(n=n), MovingAverage(n=following)])
    chain.feed(spike)
    for _ in range(20):
        value = chain.feed(21.0)
        if n > 2 and chain.is_settled:
            assert value == 21.0


def test_clear_forgets_everything() -> None:
    chain = FilterChain([SkipInitial(n=1), Median(n=3), ExponentialAverage(alpha=0.5)])
    first = [chain.feed(value) for value in (1.0, 5.0, 9.0, 2.0)]
    chain.clear()
    assert not chain.is_settled
    assert [chain.feed(value) for value in (1.0, 5.0, 9.0, 2.0)] == first


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_passes_out_and_enters_no_window(value: float) -> None:
    chain = FilterChain([Median(n=3)])
    got = chain.feed(value)
    assert got is not None
    assert not math.isfinite(got)
    assert chain.feed(5.0) == 5.0


def test_what_leaves_the_numbers_inside_a_chain_is_not_clamped_into_a_value() -> None:
    (got,) = _fed([1e200], Multiply(by=1e200), Clamp(low=0.0, high=100.0))
    assert got == math.inf


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Median(n=0), "median: must be a number of samples from 1 to 10000, got 0"),
        (lambda: MovingAverage(n=-3), "moving_average: must be a number of samples from 1 to 10000, got -3"),
        (lambda: Median(n=10**9), "median: must be a number of samples"),
        (lambda: SkipInitial(n=0), "skip_initial: must be a number of samples"),
        (lambda: ExponentialAverage(alpha=0.0), "exponential_average: alpha must be above 0 and at most 1, got 0.0"),
        (lambda: ExponentialAverage(alpha=1.1), "exponential_average: alpha must be"),
        (lambda: ExponentialAverage(alpha=math.nan), "exponential_average: alpha must be"),
        (lambda: Offset(by=math.inf), "offset: expected a finite number, got inf"),
        (lambda: Multiply(by=math.nan), "multiply: expected a finite number, got nan"),
        (lambda: Multiply(by=0.0), "multiply: must not be 0"),
        (lambda: Linear(points=()), r"linear: needs at least 2 points \[raw, true\], got 0"),
        (lambda: Linear(points=((1.0, 1.0),)), r"linear: needs at least 2 points \[raw, true\], got 1"),
        (lambda: Linear(points=((1.0, 1.0), (1.0, 2.0))), "must rise from point to point, got 1.0 and then 1.0"),
        (lambda: Linear(points=((2.0, 1.0), (1.0, 2.0))), "must rise from point to point, got 2.0 and then 1.0"),
        (lambda: Linear(points=((1.0, math.nan), (2.0, 2.0))), "linear: expected a finite number, got nan"),
        (lambda: Linear(points=((1.0, 1.0, 1.0), (2.0, 2.0))), r"linear: a point is \[raw, true\]"),  # type: ignore[arg-type]
        (lambda: Clamp(low=1.0, high=1.0), "clamp: min must be below max, got 1.0 and 1.0"),
        (lambda: Clamp(low=-math.inf, high=1.0), "clamp: expected a finite number, got -inf"),
        (lambda: Round(digits=16), "round: digits must be between -15 and 15, got 16"),
    ],
)
def test_a_filter_that_cannot_work_says_why(make: Callable[[], FilterSpec], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
