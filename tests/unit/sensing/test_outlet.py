from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.sensing.outlet import Outlet


@given(st.lists(st.one_of(st.integers(0, 5), st.just("take")), max_size=30))
def test_everything_put_is_taken_once_and_in_order(steps: list[Any]) -> None:
    outlet = Outlet(10, lambda: None)
    put: list[Any] = []
    taken: list[Any] = []
    for step in steps:
        if step == "take":
            taken += outlet.take()[0]
            assert outlet.room == 10
            continue
        batch: list[Any] = [object() for _ in range(min(step, outlet.room))]
        outlet.put(batch, [])
        put += batch
        assert outlet.room == 10 - (len(put) - len(taken))
    taken += outlet.take()[0]
    assert taken == put


def test_a_put_wakes_once() -> None:
    wakes: list[int] = []
    outlet = Outlet(10, lambda: wakes.append(1))
    events: list[Any] = [object(), object()]
    states: list[Any] = [object()]
    outlet.put(events, states)
    assert wakes == [1]
    assert outlet.take() == (events, states)
    assert outlet.take() == ([], [])


def test_what_an_abandoned_thread_puts_is_discarded() -> None:
    outlet = Outlet(10, lambda: None)
    events: list[Any] = [object()]
    outlet.put(events, [])
    outlet.abandon()
    outlet.put(events, [])
    assert outlet.take() == (events, [])


def test_the_caller_may_use_its_lists_again() -> None:
    outlet = Outlet(10, lambda: None)
    events: list[Any] = [1]
    outlet.put(events, [])
    events.clear()
    assert outlet.take()[0] == [1]
