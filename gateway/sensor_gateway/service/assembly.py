"""From a configuration to a gateway whose threads are not started yet. The one place where all rooms meet."""

from __future__ import annotations

import math
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sensor_gateway import __version__
from sensor_gateway.config.loading import Startable
from sensor_gateway.config.settings import BusSection, Configuration, MqttSection
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.health import Availability, SensorState, UnreadSensor
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.outbox.identity import REFUSED_EVENTS
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import LONGEST_CLOSE_S, Outbox
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.meta import Labels, meta, published_channels
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.publishing.stream.feed import SetAside
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.directories import Directories, note_hot
from sensor_gateway.service.identity import keep_gateway_id, read_machine
from sensor_gateway.service.plans import broker_settings, outbox_settings, sensor_plans, stream_settings
from sensor_gateway.service.refused_events import RefusedEvents
from sensor_gateway.service.state_claim import claim_state
from sensor_gateway.service.supervision import BusKeeper, BusPlan, Runner, Supervisor

QUEUE_S: Final = 30.0
"""An outlet holds what its bus can say in this time."""

_LEAST_CAPACITY: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIdentity:
    """The gateway's id on every topic, and the client id of its connection."""

    gateway: str
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that runs, and who looks after it. ``claim``: see ``claim_state``."""

    identity: GatewayIdentity
    outbox: Outbox
    publisher: Publisher
    buses: tuple[BusKeeper, ...]
    supervisor: Supervisor
    claim: socket.socket | None

    def facts(self) -> dict[str, object]:
        """What the log says of this start."""
        return {
            "gateway": self.identity.gateway,
            "client_id": self.identity.client_id,
            "epoch": str(self.outbox.epoch),
            "waiting": self.outbox.pending,
            "sensors": sum(len(bus.plan.sensors) for bus in self.buses),
            "buses": [bus.plan.name for bus in self.buses],
        }

    def close(self, *, to_flash: bool, within_s: float = LONGEST_CLOSE_S) -> None:
        """Give everything back after the threads have ended. See ``Outbox.close``."""
        self.publisher.close()
        self.outbox.close(to_flash=to_flash, within_s=within_s)
        if self.claim is not None:
            self.claim.close()


def assemble(
    startable: Startable,
    catalogue: DriverCatalogue,
    *,
    directories: Directories,
    environ: Mapping[str, str],
    clock: Clock,
    log: Log,
) -> Gateway:
    """A gateway, ready to be started. AlreadyRunning where another instance holds the state directory."""
    configuration = startable.configuration
    mqtt = configuration.mqtt
    if mqtt is None:
        raise OperatorError("the configuration names no broker")
    claim = claim_state(directories.state, log)
    machine = read_machine(environ)
    plans = sensor_plans(configuration, catalogue)
    gateway = configuration.gateway.id or keep_gateway_id(directories.state, log)
    bell, settings = Bell(), outbox_settings(configuration.outbox)
    outbox = Outbox.open(
        state_directory=directories.state,
        hot_directory=directories.hot,
        gateway=gateway,
        settings=settings,
        clock=clock,
        machine=machine,
        log=log,
        hands=Hands.real(wake=bell.ring),
    )
    if claim is None:
        note_hot(directories, log, has_journal=settings.durability is not Durability.MEMORY)
    identity = GatewayIdentity(gateway=gateway, client_id=mqtt.client_id or f"{gateway}-{outbox.client_suffix}")
    refused = RefusedEvents(directories.state / REFUSED_EVENTS, log)
    publishing = _publishing_plan(startable, mqtt, plans, identity, boot=machine.boot, set_aside=refused.keep)
    publisher = Publisher(publishing, outbox=outbox, clock=clock, log=log, bell=bell)
    buses = _bus_keepers(startable, plans, publisher, clock=clock, log=log)
    supervisor = Supervisor(publisher=publisher, buses=buses, clock=clock, log=log)
    return Gateway(
        identity=identity, outbox=outbox, publisher=publisher, buses=buses, supervisor=supervisor, claim=claim
    )


def _publishing_plan(
    startable: Startable,
    mqtt: MqttSection,
    plans: Sequence[SensorPlan],
    identity: GatewayIdentity,
    *,
    boot: str,
    set_aside: SetAside,
) -> PublishingPlan:
    gateway, configuration = identity.gateway, startable.configuration
    labels = _labels(configuration)
    return PublishingPlan(
        broker=broker_settings(mqtt, client_id=identity.client_id),
        stream=stream_settings(configuration, mqtt, gateway=gateway),
        program=Program(instance=secrets.token_hex(4), version=__version__),
        boot=boot,
        sensors=tuple(plan.name for plan in plans),
        channels=published_channels(plans),
        meta=meta(plans, gateway=gateway, version=__version__, labels=labels, unread=startable.unread),
        gap_json=EventEncoder(gateway, boot).gap,
        set_aside=set_aside,
    )


def _bus_keepers(
    startable: Startable, plans: Sequence[SensorPlan], publisher: Publisher, *, clock: Clock, log: Log
) -> tuple[BusKeeper, ...]:
    configuration, outlets = startable.configuration, list[Outlet]()
    keepers = []
    for name, section in configuration.buses.items():
        sensors = tuple(plan for plan in plans if configuration.sensors[plan.name].bus == name)
        if not sensors:
            continue
        plan = BusPlan(
            name=name,
            sensors=sensors,
            make_poller=_poller_maker(
                name, section, sensors, slack_s=configuration.gateway.slack, clock=clock, log=log
            ),
            capacity=_capacity(sensors),
        )
        outlets.append(Outlet(plan.capacity, publisher.wake))
        keepers.append(BusKeeper(plan, outlets, len(outlets) - 1, wake=publisher.wake))
    if startable.unread:
        outlets.append(_outlet_of(startable.unread, publisher, clock=clock, log=log))
    publisher.outlets = outlets
    return tuple(keepers)


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
    return outlet


def _poller_maker(
    name: str, section: BusSection, sensors: tuple[SensorPlan, ...], *, slack_s: float, clock: Clock, log: Log
) -> Callable[[Outlet], Runner]:
    def make_poller(outlet: Outlet) -> Runner:
        bus = make_bus(name, section, sensors, clock)
        return Poller(bus=bus, sensors=sensors, clock=clock, outlet=outlet, log=log, slack_s=slack_s)

    return make_poller


def _capacity(sensors: Sequence[SensorPlan]) -> int:
    per_second = sum(len(plan.channels) / plan.interval_s for plan in sensors)
    return max(_LEAST_CAPACITY, math.ceil(per_second * QUEUE_S))


def _labels(configuration: Configuration) -> Labels:
    sensors = configuration.sensors
    return Labels(
        gateway=configuration.gateway.label,
        sensors={name: sensor.label for name, sensor in sensors.items() if sensor.label},
        channels={
            (name, channel): wanted.label
            for name, sensor in sensors.items()
            for channel, wanted in sensor.channels.items()
            if wanted.label
        },
    )
