"""Ticks against exact decimal arithmetic."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.changes.grid import Grid

_RESOLUTIONS = st.sampled_from([0.0001, 0.005, 0.01, 0.0078125, 0.02, 0.0625, 0.07, 0.1, 0.125, 0.3, 1.0, 5.0, 50.0])


@given(resolution=_RESOLUTIONS, value=st.floats(-1e5, 1e5))
def test_a_value_moves_by_half_a_tenth_of_the_resolution_at_most(resolution: float, value: float) -> None:
    grid = Grid(resolution)
    ticks = grid.ticks(value)
    assert ticks is not None
    assert abs(grid.value(ticks) - value) <= resolution / 20 + 1e-9


@given(resolution=_RESOLUTIONS, ticks=st.integers(-(10**7), 10**7))
def test_a_multiple_prints_as_its_exact_decimal(resolution: float, ticks: int) -> None:
    exact = Decimal(repr(resolution)) / 10 * ticks
    grid = Grid(resolution)
    assert Decimal(repr(grid.value(ticks))) == exact
    assert grid.ticks(float(exact)) == ticks


@pytest.mark.parametrize(("value", "printed"), [(21.500000000000004, "21.5"), (0.1 + 0.2, "0.3"), (-0.0, "0.0")])
def test_values_leave_without_the_noise_of_floats(value: float, printed: str) -> None:
    grid = Grid(0.01)
    ticks = grid.ticks(value)
    assert ticks is not None
    assert repr(grid.value(ticks)) == printed


@given(st.floats(-0.0005, 0.0))
def test_minus_zero_never_leaves(value: float) -> None:
    grid = Grid(0.01)
    assert math.copysign(1.0, grid.value(grid.ticks(value) or 0)) == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.7e308, -1.7e308])
@pytest.mark.parametrize("resolution", [0.01, 1.0, 50.0])
def test_what_cannot_be_counted_has_no_ticks(resolution: float, value: float) -> None:
    assert Grid(resolution).ticks(value) is None


@given(value=st.floats(allow_nan=True, allow_infinity=True), resolution=_RESOLUTIONS)
def test_every_float_has_ticks_that_are_a_finite_value_or_none(value: float, resolution: float) -> None:
    grid = Grid(resolution)
    ticks = grid.ticks(value)
    assert ticks is None or math.isfinite(grid.value(ticks))


def test_a_resolution_that_cannot_be_written_shortly_takes_the_next_finer_power_of_ten() -> None:
    grid = Grid(1 / 1.2)
    assert [grid.value(grid.ticks(count / 1.2) or 0) for count in (1, 2, 3)] == [0.83, 1.67, 2.5]


@given(resolution=_RESOLUTIONS, deadband=st.decimals(0, 1000, places=4))
def test_a_span_is_the_fewest_ticks_that_reach_the_deadband(resolution: float, deadband: Decimal) -> None:
    thousandth = Fraction(Decimal(repr(resolution)) / 1000)
    units = Fraction(deadband) / thousandth
    rounded = round(units)
    if abs(units - rounded) == Fraction(1, 2):
        return  # a tie may fall either way
    wanted = int((Decimal(rounded) / 100).to_integral_value(ROUND_CEILING))
    assert Grid(resolution).span(float(deadband)) == max(1, wanted)


def test_a_deadband_beyond_all_numbers_is_never_left() -> None:
    assert Grid(0.0001).span(1e308) > 10**200
