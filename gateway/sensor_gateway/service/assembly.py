"""From a configuration to a gateway whose threads are not started yet. The one place where all rooms meet."""

from __future__ import annotations

import math
import secrets
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sensor_gateway import __version__
from sensor_gateway.config.commands import CommandsSection
from sensor_gateway.config.loading import Startable
from sensor_gateway.config.settings import Configuration
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
from sensor_gateway.publishing.meta import meta, published_channels
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.publishing.receiving.rival import Rival
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.bus_keeper import BusKeeper, BusPlan, BusRunner
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.commands.desk import CommandDesk
from sensor_gateway.service.commands.opening import open_desk
from sensor_gateway.service.configuration.setup import BusSetup, Setup, setup_of
from sensor_gateway.service.directories import Directories, note_hot
from sensor_gateway.service.health.flash_writes import bytes_written
from sensor_gateway.service.health.survey import HealthSurvey, Subject
from sensor_gateway.service.identity import keep_gateway_id, read_machine
from sensor_gateway.service.plans import outbox_settings
from sensor_gateway.service.refused_events import RefusedEvents
from sensor_gateway.service.retained.home_assistant import told_anew, with_discovery
from sensor_gateway.service.retained.topics import RetainedTopics
from sensor_gateway.service.state_claim import claim_state
from sensor_gateway.service.supervision import Supervisor

QUEUE_S: Final = 30.0
"""An outlet holds what its bus can say in this time."""

_LEAST_CAPACITY: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIdentity:
    """The gateway's id on every topic, and the client id of its connection where the file names none."""

    gateway: str
    own_client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that runs, and who looks after it.

    ``claim``: see ``claim_state``; ``desk``: where commands come in, None where none is allowed.
    ``setup`` and ``publishing`` are what it was built by.
    """

    identity: GatewayIdentity
    setup: Setup
    publishing: PublishingPlan
    outbox: Outbox
    publisher: Publisher
    supervisor: Supervisor
    claim: socket.socket | None
    desk: CommandDesk | None

    @property
    def buses(self) -> tuple[BusKeeper, ...]:
        """The buses that are served now."""
        return self.supervisor.buses

    def facts(self) -> dict[str, object]:
        """What the log says of this start."""
        return {
            "gateway": self.identity.gateway,
            "client_id": self.setup.broker.client_id,
            "epoch": str(self.outbox.epoch),
            "waiting": self.outbox.pending,
            "sensors": sum(len(bus.plan.sensors) for bus in self.buses),
            "buses": [bus.plan.name for bus in self.buses],
            **({"commands": self.desk.offered} if self.desk is not None else {}),
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
    if configuration.mqtt is None:
        raise OperatorError("the configuration names no broker")
    claim, machine = claim_state(directories.state, log), read_machine(environ)
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
    own = GatewayIdentity(gateway=gateway, own_client_id=f"{gateway}-{outbox.client_suffix}")
    setup = setup_of(startable, catalogue, gateway=own.gateway, own_client_id=own.own_client_id)
    publishing = _publishing_plan(setup, machine.boot, RefusedEvents(directories.state / REFUSED_EVENTS, log))
    serving: list[Supervisor] = []
    desk = _desk(publishing, configuration.commands, serving, log)
    publishing, retained = _listening(publishing, desk, log), RetainedTopics(directories.state, machine, log)
    publishing = with_discovery(publishing, configuration.home_assistant, setup.documents, retained)
    publisher = Publisher(publishing, outbox=outbox, clock=clock, log=log, bell=bell)
    serving.append(_supervisor(publisher, setup, clock=clock, log=log))
    publisher.pulse = _survey(configuration, publishing, outbox, serving[0], clock=clock)
    return Gateway(
        identity=own, setup=setup, publishing=publishing, outbox=outbox, publisher=publisher, supervisor=serving[0],
        claim=claim, desk=desk)  # fmt: skip


def _desk(
    plan: PublishingPlan, section: CommandsSection, serving: Sequence[Supervisor], log: Log
) -> CommandDesk | None:
    """Where commands come in; who serves the buses is looked at anew for each request."""
    topics = plan.topics
    return open_desk(
        section,
        prefix=topics.prefix,
        gateway=topics.gateway,
        buses=lambda: serving[0].buses if serving else (),
        log=log,
    )


def _supervisor(publisher: Publisher, setup: Setup, *, clock: Clock, log: Log) -> Supervisor:
    outlets = [_outlet_of(setup.unread, publisher, clock=clock, log=log)] if setup.unread else []
    keep = _keeper_maker(publisher, outlets)
    buses = [keep(plan_bus(name, setup, clock=clock, log=log)) for name in setup.buses]
    return Supervisor(publisher=publisher, buses=buses, clock=clock, log=log, keep=keep)


def _publishing_plan(setup: Setup, boot: str, refused: RefusedEvents) -> PublishingPlan:
    return PublishingPlan(
        broker=setup.broker,
        stream=setup.stream,
        program=Program(instance=secrets.token_hex(4), version=__version__),
        boot=boot,
        sensors=setup.names,
        channels=published_channels(setup.sensors),
        meta=_meta(setup),
        gap_json=EventEncoder(setup.gateway, boot).gap,
        set_aside=refused.keep,
    )


def _meta(setup: Setup) -> bytes:
    return meta(setup.sensors, gateway=setup.gateway, version=__version__, labels=setup.labels, unread=setup.unread)


def _listening(plan: PublishingPlan, desk: CommandDesk | None, log: Log) -> PublishingPlan:
    """The plan with those who are told what comes in."""
    rival = Rival(plan.topics, plan.program, log=log)
    return replace(plan, listeners=(rival,) if desk is None else (rival, desk))


def published_anew(plan: PublishingPlan, setup: Setup) -> PublishingPlan:
    """What the same gateway publishes by another setup."""
    anew = replace(
        plan,
        broker=setup.broker,
        stream=setup.stream,
        sensors=setup.names,
        channels=published_channels(setup.sensors),
        meta=_meta(setup),
    )
    return told_anew(anew, setup.documents, plan.settlement.meanwhile)


def _keeper_maker(publisher: Publisher, outlets: list[Outlet]) -> Callable[[BusPlan], BusKeeper]:
    """Gives each bus its place among the outlets: one that is free, or a new one."""
    publisher.outlets = outlets

    def keep(plan: BusPlan) -> BusKeeper:
        outlet = Outlet(plan.capacity, publisher.wake)
        place = next((place for place, known in enumerate(outlets) if known.is_free), len(outlets))
        outlets[place : place + 1] = [outlet]
        return BusKeeper(plan, outlets, place, wake=publisher.wake)

    return keep


def plan_bus(name: str, setup: Setup, *, clock: Clock, log: Log) -> BusPlan:
    """How one bus of the setup is served."""
    bus = setup.buses[name]
    return BusPlan(
        name=name,
        sensors=bus.sensors,
        make_poller=_poller_maker(name, bus, slack_s=setup.slack_s, clock=clock, log=log),
        capacity=_capacity(bus.sensors),
    )


def _survey(
    configuration: Configuration, plan: PublishingPlan, outbox: Outbox, supervisor: Supervisor, *, clock: Clock
) -> HealthSurvey | None:
    if configuration.gateway.health_interval is None:
        return None
    subject = Subject(
        gateway=plan.stream.gateway,
        instance=plan.program.instance,
        boot=plan.boot,
        version=plan.program.version,
        python=sys.version.partition(" ")[0],
        sensors=plan.sensors,
        start=clock.stamp(),
        interval_s=configuration.gateway.health_interval,
    )
    return HealthSurvey(subject, outbox=outbox, buses=lambda: supervisor.buses, written=bytes_written)


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
