from __future__ import annotations

from types import SimpleNamespace
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


def said(sensor: str) -> Any:
    """An event and a state that look like this sensor's."""
    return SimpleNamespace(source=SimpleNamespace(sensor=sensor)), SimpleNamespace(sensor=sensor)


def test_what_is_silenced_is_discarded_until_its_thread_knows_and_nothing_else_is() -> None:
    outlet = Outlet(10, lambda: None)
    attic, bench = said("attic"), said("bench")
    outlet.put([bench[0]], [bench[1]])
    outlet.silence(["bench"], 1)
    outlet.put([attic[0], bench[0]], [attic[1], bench[1]])
    assert outlet.take() == ([bench[0], attic[0]], [bench[1], attic[1]]), "what was put before is still there"
    outlet.heed(1, capacity=20)
    outlet.put([bench[0]], [bench[1]])
    assert outlet.take() == ([bench[0]], [bench[1]])
    assert outlet.room == 20


def test_a_later_silence_outlasts_an_earlier_change() -> None:
    """A sensor that left, came back and left again before its thread looked once."""
    outlet = Outlet(10, lambda: None)
    bench = said("bench")
    outlet.silence(["bench"], 1)
    outlet.silence(["bench"], 3)
    for number in (1, 2):
        outlet.heed(number, capacity=10)
        outlet.put([bench[0]], [bench[1]])
        assert outlet.take() == ([], [])
    outlet.heed(3, capacity=10)
    outlet.put([bench[0]], [])
    assert outlet.take() == ([bench[0]], [])


def test_a_place_is_free_when_its_thread_has_to_go_and_all_was_taken() -> None:
    outlet = Outlet(10, lambda: None)
    assert not outlet.is_free
    outlet.put([said("attic")[0]], [])
    outlet.abandon()
    assert not outlet.is_free
    outlet.take()
    assert outlet.is_free
