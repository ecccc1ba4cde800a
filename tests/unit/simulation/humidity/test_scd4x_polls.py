"""An SCD4x has a pace of its own: what polls at another one get to see, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from proving.logs import Quiet

from sensor_drivers.scd4x import SPEC, Options
from sensor_gateway.model.event import ChangeEvent, Quality
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.scd4x import Scd4x
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.timeline import Lane, play
from sensor_gateway.simulation.virtual_clock import VirtualClock

Mount = Callable[..., Mounting]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def bus(mount: Mount, clock: VirtualClock) -> SimulatedI2cBus:
    """A room whose CO2 rises by 1 ppm a second, so that each value tells when it was measured."""
    mounting = mount("scd41", address=0x62, carbon_dioxide=lambda at_s: 400 + at_s, temperature=20.0, humidity=50.0)
    bus = SimulatedI2cBus("i2c1", [Socket(model=Scd4x, mounting=mounting)], clock=clock)
    bus.open()
    return bus


def polled(run: DriverRun, clock: VirtualClock) -> tuple[float, float]:
    """One poll: when the value was measured, and how long the poll took."""
    began_s = clock.monotonic()
    while (pause_s := run.resume()) is not None:
        clock.advance(pause_s)
    return run.values["carbon_dioxide"] - 400, clock.monotonic() - began_s


def run_of(bus: SimulatedI2cBus, options: Options | None = None) -> DriverRun:
    return DriverRun(plan_alone("room", SPEC, "scd41", options or Options(), 0x62), transfer=bus.transfer)


def test_the_first_poll_waits_for_the_first_measurement(bus: SimulatedI2cBus, clock: VirtualClock) -> None:
    _, took_s = polled(run_of(bus), clock)
    assert 5.5 < took_s < 6.0


def test_a_poll_that_comes_too_early_waits_for_the_next_measurement(bus: SimulatedI2cBus, clock: VirtualClock) -> None:
    run = run_of(bus)
    first_s, _ = polled(run, clock)
    for number in range(1, 4):
        measured_s, took_s = polled(run, clock)
        assert measured_s == pytest.approx(first_s + 5 * number, abs=1)
        assert took_s < 5.3


@pytest.mark.parametrize("pause_s", [5.0, 7.3, 60.0, 3600.0])
def test_a_poll_that_comes_late_finds_the_newest_measurement_at_once(
    bus: SimulatedI2cBus, clock: VirtualClock, pause_s: float
) -> None:
    run = run_of(bus)
    polled(run, clock)
    clock.advance(pause_s)
    measured_s, took_s = polled(run, clock)
    assert took_s < 0.01
    assert clock.monotonic() - measured_s < 6


def test_a_restart_finds_a_chip_that_measures_and_sets_it_up_anew(bus: SimulatedI2cBus, clock: VirtualClock) -> None:
    polled(run_of(bus), clock)
    clock.advance(100.0)
    measured_s, _ = polled(run_of(bus), clock)
    assert clock.monotonic() - measured_s < 6


def test_the_offset_of_the_housing_is_taken_off(bus: SimulatedI2cBus, clock: VirtualClock) -> None:
    run = run_of(bus, Options(temperature_offset=6.0))
    polled(run, clock)
    assert run.values["temperature"] == pytest.approx(18.0, abs=0.01)


def test_an_offset_that_is_configured_no_more_is_forgotten(bus: SimulatedI2cBus, clock: VirtualClock) -> None:
    polled(run_of(bus, Options(temperature_offset=6.0, altitude=1950)), clock)
    run = run_of(bus)
    polled(run, clock)
    assert run.values["temperature"] == pytest.approx(20.0, abs=0.01)


@pytest.mark.parametrize(("interval_s", "readings"), [(1.0, 11), (2.0, 10), (5.0, 11), (10.0, 6)])
def test_no_interval_is_a_fault(bus: SimulatedI2cBus, clock: VirtualClock, interval_s: float, readings: int) -> None:
    plan = plan_alone("room", SPEC, "scd41", Options(), 0x62, interval_s=interval_s)
    outlet = Outlet(10_000, lambda: None)
    poller = Poller(bus=bus, sensors=[plan], clock=clock, outlet=outlet, log=Quiet(), slack_s=0.05)
    heard: list[ChangeEvent] = []
    play([Lane(stepper=poller, clock=clock)], seconds=60.0, after_step=lambda _lane: heard.extend(outlet.take()[0]))
    assert poller.counters.failures == 0
    assert {event.quality for event in heard} == {Quality.GOOD}
    assert sum(event.source.channel.name == "carbon_dioxide" for event in heard) == pytest.approx(readings, abs=1)
