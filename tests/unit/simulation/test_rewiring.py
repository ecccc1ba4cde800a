"""Devices that come and go on a bus in software while it is read: those that stay notice nothing."""

from __future__ import annotations

import pytest
from proving.logs import Quiet

from sensor_gateway.config.loading import load_text
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import BusChange, Poller
from sensor_gateway.service.buses import pretended_bus
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.simulation.virtual_clock import VirtualClock

CATALOGUE = DriverCatalogue()

HOUSES = {
    BusKind.I2C: """
buses: {wire: {type: simulated, kind: i2c}}
sensors:
  one: {driver: bme280, bus: wire, address: 0x76}
  two: {driver: bme280, bus: wire, address: 0x77}
""",
    BusKind.SERIAL_REQUEST: """
buses: {wire: {type: simulated, kind: serial}}
sensors:
  one: {device: xy-md02, bus: wire, unit: 1}
  two: {device: xy-md02, bus: wire, unit: 2}
""",
    BusKind.SYSFS: """
sensors:
  one: {driver: ds18b20, bus: linux, id: 28-000000000001}
  two: {driver: ds18b20, bus: linux, id: 28-000000000002}
""",
}


def plans_of(kind: BusKind) -> tuple[object, tuple[SensorPlan, ...]]:
    text = "defaults: {interval: 2s, heartbeat: 2s}" + HOUSES[kind]
    loaded = load_text(text, catalogue=CATALOGUE, environ={}, needs_broker=False)
    assert loaded.configuration is not None, loaded.faults
    return next(iter(loaded.configuration.buses.values())), sensor_plans(loaded.configuration, CATALOGUE)


@pytest.mark.parametrize("kind", HOUSES)
def test_a_device_that_is_added_answers_and_one_that_stays_does_not_notice(kind: BusKind) -> None:
    section, (one, two) = plans_of(kind)
    clock, outlet = VirtualClock(), Outlet(10_000, lambda: None)
    bus = pretended_bus("wire", section, (one,), clock, scenario=None)  # type: ignore[arg-type]
    poller = Poller(bus=bus, sensors=(one,), clock=clock, outlet=outlet, log=Quiet(), slack_s=0.05)

    def heard(until_s: float) -> dict[str, set[str]]:
        """The reasons of what each sensor said until then."""
        while clock.monotonic() < until_s:
            wait_s = poller.step()
            clock.advance_to(min(until_s, clock.monotonic() + wait_s))
        said: dict[str, set[str]] = {}
        for event in outlet.take()[0]:
            said.setdefault(event.source.sensor, set()).add(event.reason.value)
        return said

    assert heard(7).keys() == {"one"}
    poller.change(BusChange(number=1, sensors=(one, two), capacity=10_000))
    both = heard(15)
    assert both.keys() == {"one", "two"}
    assert "first" in both["two"]
    assert not {"first", "fault", "recovery"} & both["one"]
    poller.change(BusChange(number=2, sensors=(one,), capacity=10_000))
    assert heard(23).keys() == {"one"}
    assert poller.counters.failures == poller.counters.missed == 0
