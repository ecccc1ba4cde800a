from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.service.systemd.vigil import Vigil


def test_a_sign_of_life_takes_a_publisher_that_moved() -> None:
    vigil = Vigil()
    assert vigil.fault(1, {"i2c1": 1}) == ""
    assert vigil.fault(1, {"i2c1": 2})
    assert vigil.fault(2, {"i2c1": 2}) == ""


def test_a_sign_of_life_takes_one_bus_that_moved_and_no_more() -> None:
    vigil = Vigil()
    assert vigil.fault(1, {"i2c1": 1, "rs485": 1}) == ""
    assert vigil.fault(2, {"i2c1": 1, "rs485": 1})
    assert vigil.fault(3, {"i2c1": 1, "rs485": 2}) == ""


def test_without_a_bus_the_publisher_alone_counts() -> None:
    vigil = Vigil()
    assert vigil.fault(1, {}) == ""
    assert vigil.fault(2, {}) == ""


def test_a_bus_that_begins_anew_has_moved() -> None:
    vigil = Vigil()
    assert vigil.fault(1, {"i2c1": 500}) == ""
    assert vigil.fault(2, {"i2c1": 0}) == ""


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 2), min_size=1, max_size=3)), max_size=20),
    st.sampled_from(["publisher", "buses"]),
)
def test_who_stands_still_is_never_spoken_for(steps: list[tuple[int, list[int]]], stands: str) -> None:
    """Whatever the others do: after the first sign there is no second."""
    vigil, publisher = Vigil(), 0
    buses = {"a": 0, "b": 0, "c": 0}
    assert vigil.fault(publisher, buses) == ""
    for moved, bus_moves in steps:
        if stands == "buses":
            publisher += moved
        else:
            buses = {
                name: turns + extra for (name, turns), extra in zip(buses.items(), [*bus_moves, 0, 0], strict=False)
            }
        assert vigil.fault(publisher, buses)
