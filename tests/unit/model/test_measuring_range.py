from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.arithmetic.measuring_range import MOST_RANGES_TRIED, Span, suitable_range

SPANS = (Span(low=0, high=20), Span(low=7, high=100), Span(low=54, high=5400), Span(low=2000, high=140_000))


def test_a_level_within_the_span_keeps_the_range() -> None:
    assert [suitable_range(SPANS, at, level) for at, level in enumerate((20, 20, 100, 2000))] == [0, 1, 2, 3]


def test_another_level_goes_straight_to_the_darkest_range_that_reaches_it() -> None:
    assert suitable_range(SPANS, 3, 0) == 0
    assert suitable_range(SPANS, 3, 54) == 1
    assert suitable_range(SPANS, 0, 30) == 1
    assert suitable_range(SPANS, 0, 250) == 2


def test_saturation_is_looked_at_in_the_brightest_range_and_stands_there() -> None:
    assert [suitable_range(SPANS, at, None) for at in range(4)] == [3, 3, 3, 3]


def test_what_lies_beyond_an_end_stands() -> None:
    assert suitable_range(SPANS, 0, -1) == 0
    assert suitable_range(SPANS, 3, 1e9) == 3


def tried(light: float, at: int, saturation: float) -> list[int]:
    """The ranges in which steady light is measured; each saturates at so many times the end of its span."""
    places = [at]
    while True:
        is_saturated = light > SPANS[places[-1]].high * saturation
        place = suitable_range(SPANS, places[-1], None if is_saturated else light)
        if place == places[-1]:
            return places
        places.append(place)


@given(st.floats(0, 1e6), st.integers(0, 3), st.floats(1, 20))
def test_steady_light_is_found_in_few_tries_and_then_stays(light: float, at: int, saturation: float) -> None:
    places = tried(light, at, saturation)
    assert len(places) <= MOST_RANGES_TRIED
    assert tried(light, places[-1], saturation) == [places[-1]]
    assert light <= SPANS[places[-1]].high or places[-1] == 3
