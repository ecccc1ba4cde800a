"""Other sensors on a bus that runs: who stays notices nothing, who leaves is heard of no more. In virtual time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import BusMissing, Nack
from sensor_gateway.model.health import Availability
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import BusChange


class Byte:
    """A talker whose byte is the temperature."""

    def feed(self, data: bytes) -> Any:
        yield from ({"temperature": float(byte)} for byte in data)


def change(rig: Any, *plans: SensorPlan, number: int = 1, capacity: int = 1000) -> None:
    """What the main thread does, and the wake-up that follows."""
    rig.poller.change(BusChange(number=number, sensors=plans, capacity=capacity))
    rig._next_s = rig.clock.monotonic()


def told(rig: Any, sensor: str) -> list[tuple[float | None, int]]:
    return [(event.value, event.stamp.uptime_ms) for event in rig.events if event.source.sensor == sensor]


def test_an_untouched_sensor_keeps_its_beat_its_reference_and_its_health_while_others_come_and_go(rig: Any) -> None:
    rig.add("attic", address=0x10)
    rig.add("bench", address=0x11)
    rig.add("cellar", address=0x12)
    attic, bench, cellar = rig.plans
    del rig.plans[2]
    rig.run(2.5)
    change(rig, attic, cellar)
    rig.run(4.7)
    change(rig, attic, bench, cellar, number=2)
    rig.run(9.5)
    assert rig.bus.moments(0x10, b"\x00") == pytest.approx([float(second) for second in range(10)])
    assert rig.bus.moments(0x10, b"\x5e") == [0.0], "set up once"
    assert len(told(rig, "attic")) == 1, "its reference stands: nothing is said twice"
    assert [state.state for state in rig.states if state.sensor == "attic"] == [
        Availability.STARTING,
        Availability.ONLINE,
    ]
    assert rig.poller.counters.missed == 0
    assert rig.bus.opened == 1


def test_restarting_all_sensors_would_be_found_out(rig: Any) -> None:
    """The control: equal plans that are other objects stand for sensors that begin anew."""
    rig.add("attic")
    rig.run(2.5)
    change(rig, dataclasses.replace(rig.plans[0]))
    rig.run(4.5)
    assert len(told(rig, "attic")) == 2
    assert len(rig.bus.moments(0x10, b"\x5e")) == 2


def test_what_is_new_is_read_at_once_and_then_on_the_beat(rig: Any) -> None:
    rig.add("attic", address=0x10)
    rig.add("bench", address=0x11)
    attic, bench = rig.plans
    del rig.plans[1]
    rig.run(2.3)
    change(rig, attic, bench)
    rig.run(4.5)
    assert rig.bus.moments(0x11, b"\x00") == pytest.approx([2.3, 3.0, 4.0])


def test_what_left_is_asked_no_more_and_its_heartbeat_is_silent(rig: Any) -> None:
    rig.add("attic", address=0x10, heartbeat_ms=2000)
    rig.add("bench", address=0x11, heartbeat_ms=2000)
    rig.run(1.5)
    change(rig, rig.plans[0])
    rig.run(9.5)
    assert rig.bus.moments(0x11, b"\x00") == pytest.approx([0.0, 1.0])
    assert told(rig, "bench") == [(20.0, 5_000_000)]
    assert len(told(rig, "attic")) == 5


def test_a_dead_sensor_keeps_its_back_off_while_another_is_added(rig: Any) -> None:
    def dead(data: bytes, count: int) -> bytes:
        raise Nack("nobody")

    rig.add("attic", address=0x10, chip=dead)
    rig.add("bench", address=0x11)
    attic, bench = rig.plans
    rig.add("cellar", address=0x12)
    cellar = rig.plans.pop()
    undisturbed = [0.0, 0.01, 0.02]
    rig.run(20.0)
    before = len(rig.bus.moments(0x10, b"\x1d"))
    change(rig, attic, bench, cellar)
    rig.run(21.0)
    assert rig.bus.moments(0x10, b"\x1d")[:3] == pytest.approx(undisturbed)
    assert len(rig.bus.moments(0x10, b"\x1d")) == before, "the next try is due after 31.5 s, and no earlier"


def test_counters_do_not_forget_what_those_did_who_left(rig: Any) -> None:
    rig.add("attic", address=0x10)
    rig.add("bench", address=0x11)
    rig.run(3.5)
    change(rig, rig.plans[0])
    rig.run(3.6)
    assert rig.poller.counters.polls == rig.poller.counters.readings == 8


def test_a_sensor_that_comes_to_a_bus_that_is_away_is_told_missing_with_the_others(rig: Any) -> None:
    rig.add("attic", address=0x10)
    rig.add("bench", address=0x11)
    attic, bench = rig.plans
    del rig.plans[1]
    rig.bus.open_trouble = BusMissing("there is no such bus")
    rig.run(1.0)
    change(rig, attic, bench)
    rig.run(4.0)
    assert [state.state for state in rig.states if state.sensor == "bench"][-1] is Availability.OFFLINE
    rig.bus.open_trouble = None
    rig.run(9.0)
    assert [state.state for state in rig.states if state.sensor == "bench"][-1] is Availability.ONLINE


def test_of_one_that_left_and_came_back_before_anybody_looked_all_begins_anew(rig: Any) -> None:
    rig.add("attic", address=0x10)
    rig.add("bench", address=0x11)
    attic, bench = rig.plans
    rig.run(1.5)
    change(rig, attic, number=1)
    change(rig, attic, bench, number=2)
    rig.run(2.5)
    assert [value for value, _ in told(rig, "bench")] == [20.0, 20.0]


def test_a_wake_up_ends_the_wait_of_the_thread(rig: Any) -> None:
    rig.add("attic", interval_s=3600.0)
    rig.run(0.5)
    change(rig, rig.plans[0])
    assert rig.poller._woken.is_set()


def test_a_talker_goes_on_while_another_is_added_to_its_line(rig: Any) -> None:
    line = rig.on_a_line()
    rig.add("attic", Byte, kind=BusKind.SERIAL_STREAM)
    rig.add("bench", Byte, kind=BusKind.SERIAL_STREAM)
    attic, bench = rig.plans
    del rig.plans[1]
    for second in range(1, 8):
        line.say(float(second), b"\x14")
    rig.run(2.5)
    change(rig, attic, bench)
    assert line.wakes == 1
    rig.run(7.5)
    assert [event.value for event in rig.events if event.source.sensor == "attic"] == [20.0]
    assert rig.poller.counters.failures == 0
    assert {state.sensor for state in rig.states if state.state is Availability.ONLINE} == {"attic", "bench"}


@given(
    steps=st.lists(
        st.tuples(st.sets(st.integers(1, 5)), st.floats(0.01, 3.0)),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_comes_and_goes_an_untouched_sensor_is_read_as_if_nothing_happened(
    make_rig: Callable[[], Any], steps: list[tuple[set[int], float]]
) -> None:
    rig, alone = make_rig(), make_rig()
    for each in (rig, alone):
        each.add("attic", address=0x10, interval_s=0.7)
    others = []
    for place in range(1, 6):
        rig.add(f"s{place}", address=0x10 + place, interval_s=0.3 * place)
        others.append(rig.plans.pop())
    until_s = 0.0
    for number, (present, wait_s) in enumerate(steps):
        change(rig, rig.plans[0], *(others[place - 1] for place in sorted(present)), number=number)
        until_s += wait_s
        rig.run(until_s)
    alone.run(until_s)
    slack_s = rig.slack_s + 1e-6
    read_s, alone_s = rig.bus.moments(0x10, b"\x00"), alone.bus.moments(0x10, b"\x00")
    both = min(len(read_s), len(alone_s))
    assert max(len(read_s), len(alone_s)) <= both + 1, "a turn for somebody else may come just before the end"
    assert read_s[:both] == pytest.approx(alone_s[:both], abs=slack_s)
    said, alone_said = ([value for value, _ in told(each, "attic")] for each in (rig, alone))
    both = min(len(said), len(alone_said))
    assert said[:both] == alone_said[:both]
    assert rig.poller.counters.missed == 0
