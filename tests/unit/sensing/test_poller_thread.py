from __future__ import annotations

import threading
from typing import Any

import pytest

from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.system_clock import SystemClock


@pytest.fixture
def real(rig: Any) -> Any:
    """A poller that reads once an hour, in a thread of its own."""
    rig.add(interval_s=3600.0)
    handed_over = threading.Event()
    outlet = Outlet(10, handed_over.set)
    poller = Poller(bus=rig.bus, sensors=rig.plans, clock=SystemClock(), outlet=outlet, log=rig.log, slack_s=0.05)
    thread = threading.Thread(target=poller.run, daemon=True)
    return rig, poller, outlet, handed_over, thread


def test_stop_ends_a_waiting_poller_at_once_and_closes_the_bus(real: Any) -> None:
    rig, poller, outlet, handed_over, thread = real
    thread.start()
    assert handed_over.wait(5)
    poller.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert not rig.bus.is_open
    events, _ = outlet.take()
    assert [event.value for event in events] == [20.0]


def test_a_poller_that_was_stopped_before_it_ran_does_nothing(real: Any) -> None:
    rig, poller, _, _, _ = real
    poller.stop()
    poller.run()
    assert rig.bus.opened == 0


def test_a_fault_of_our_own_ends_the_thread_with_a_line_of_log(real: Any) -> None:
    rig, poller, _, _, _ = real

    def broken() -> None:
        raise RuntimeError("a fault of our own")

    rig.bus.open = broken
    poller.run()
    assert rig.log.facts("bus_thread_failed")[0]["reason"] == "a fault of our own"


def test_stop_wakes_a_line_that_is_read(rig: Any) -> None:
    line = rig.on_a_line()
    rig.poller.stop()
    assert line.wakes == 1
