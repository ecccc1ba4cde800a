"""Who serves the buses of a setup: a keeper for each bus, an outlet for each keeper, and the supervisor of all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.health import Availability, SensorState, UnreadSensor
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.bus_keeper import BusKeeper, BusPlan, BusRunner
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.configuration.setup import BusSetup, Setup
from sensor_gateway.service.supervision import Supervisor

QUEUE_S: Final = 30.0
"""An outlet holds what its bus can say in this time."""

_LEAST_CAPACITY: Final = 256


def supervisor_of(publisher: Publisher, setup: Setup, *, clock: Clock, log: Log) -> Supervisor:
    """Whoever looks after the publisher and all buses of the setup; no thread is started."""
    outlets = [_outlet_of(setup.unread, publisher, clock=clock, log=log)] if setup.unread else []
    keep = _keeper_maker(publisher, outlets)
    buses = [keep(plan_bus(name, setup, clock=clock, log=log)) for name in setup.buses]
    return Supervisor(publisher=publisher, buses=buses, clock=clock, log=log, keep=keep)


def plan_bus(name: str, setup: Setup, *, clock: Clock, log: Log) -> BusPlan:
    """How one bus of the setup is served."""
    bus = setup.buses[name]
    return BusPlan(
        name=name,
        sensors=bus.sensors,
        make_poller=_poller_maker(name, bus, slack_s=setup.slack_s, clock=clock, log=log),
        capacity=_capacity(bus.sensors),
    )


def _keeper_maker(publisher: Publisher, outlets: list[Outlet]) -> Callable[[BusPlan], BusKeeper]:
    """Gives each bus its place among the outlets: one that is free, or a new one."""
    publisher.outlets = outlets

    def keep(plan: BusPlan) -> BusKeeper:
        outlet = Outlet(plan.capacity, publisher.wake)
        place = next((place for place, known in enumerate(outlets) if known.is_free), len(outlets))
        outlets[place : place + 1] = [outlet]
        return BusKeeper(plan, outlets, place, wake=publisher.wake)

    return keep


def _outlet_of(unread: Sequence[UnreadSensor], publisher: Publisher, *, clock: Clock, log: Log) -> Outlet:
    """An outlet from which comes, once, that these sensors are offline, and why. The log says it here."""
    outlet, stamp, states = Outlet(0, publisher.wake), clock.stamp(), []
    for sensor in unread:
        log.error("driver_not_usable", sensor=sensor.name, place=sensor.place, reason=sensor.reason)
        reason = f"{sensor.reason}; mend or replace its package and start again, or remove the sensor"
        code = FailureCode.DRIVER_ERROR
        state = SensorState(sensor=sensor.name, state=Availability.OFFLINE, code=code, reason=reason, since=stamp)
        states.append(state)
    outlet.put((), states)
    outlet.abandon()
    return outlet


def _poller_maker(name: str, bus: BusSetup, *, slack_s: float, clock: Clock, log: Log) -> Callable[[Outlet], BusRunner]:
    def make_poller(outlet: Outlet) -> BusRunner:
        wire = make_bus(name, bus.section, bus.sensors, clock)
        return Poller(bus=wire, sensors=bus.sensors, clock=clock, outlet=outlet, log=log, slack_s=slack_s)

    return make_poller


def _capacity(sensors: Sequence[SensorPlan]) -> int:
    per_second = sum(len(plan.channels) / plan.interval_s for plan in sensors)
    return max(_LEAST_CAPACITY, math.ceil(per_second * QUEUE_S))
