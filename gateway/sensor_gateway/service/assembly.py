"""From a configuration to a gateway whose threads are not started yet. The one place where all rooms meet."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sensor_gateway.config.loading import Startable
from sensor_gateway.config.sections.broker import CommandsSection
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.bus_report import SensorTally
from sensor_gateway.model.vitals.gateway_health import Health
from sensor_gateway.outbox.identity import REFUSED_EVENTS, Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import LONGEST_CLOSE_S, Outbox
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.publishing.receiving.rival import Rival
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.building.publication import publishing_plan
from sensor_gateway.service.building.serving import supervisor_of
from sensor_gateway.service.bus_keeper import BusKeeper
from sensor_gateway.service.commands.desk import CommandDesk
from sensor_gateway.service.commands.opening import open_desk
from sensor_gateway.service.configuration.setup import Setup, setup_of
from sensor_gateway.service.directories import Directories, note_hot
from sensor_gateway.service.health.flash_writes import bytes_written
from sensor_gateway.service.health.silence import SilenceLog
from sensor_gateway.service.health.survey import HealthSurvey, Subject
from sensor_gateway.service.history.history import History
from sensor_gateway.service.identity import keep_gateway_id, read_machine
from sensor_gateway.service.metrics.exporter import Exporter
from sensor_gateway.service.plans import outbox_settings
from sensor_gateway.service.recovery.recoveries import Recoveries
from sensor_gateway.service.refused_events import RefusedEvents
from sensor_gateway.service.retained.home_assistant import with_discovery
from sensor_gateway.service.retained.topics import RetainedTopics
from sensor_gateway.service.state_claim import claim_state
from sensor_gateway.service.supervision import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIdentity:
    """The gateway's id on every topic, and the client id of its connection where the file names none."""

    gateway: str
    own_client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that runs, and who looks after it.

    ``claim``: see ``claim_state``; ``desk``: where commands come in, None where none is allowed.
    ``survey`` knows how it is, and ``exporter`` shows it to Prometheus; ``recoveries`` run the recover commands.
    ``setup`` and ``publishing`` are what it was built by.
    """

    identity: GatewayIdentity
    setup: Setup
    publishing: PublishingPlan
    retained: RetainedTopics
    outbox: Outbox
    publisher: Publisher
    supervisor: Supervisor
    survey: HealthSurvey
    history: History
    exporter: Exporter
    recoveries: Recoveries
    claim: socket.socket | None
    desk: CommandDesk | None

    @property
    def turns(self) -> int:
        """How many turns the publisher has made."""
        return self.publisher.progress

    @property
    def health(self) -> Health | None:
        """How the gateway is; None where it is looked after only when asked, or not yet. For any thread."""
        return self.survey.newest if self.survey.is_beating else None

    @property
    def configuration(self) -> str:
        """Why the gateway runs by something else than its file, as ``health`` says soon; empty where it does not."""
        return self.survey.configuration

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
        self.retained.turn()
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
    own_client_id = f"{gateway}-{outbox.client_suffix}"
    setup = setup_of(startable, catalogue, gateway=gateway, own_client_id=own_client_id)
    serving: list[Supervisor] = []
    desk = _desk(setup, configuration.commands, serving, log)
    retained = RetainedTopics(directories.state, machine, log)
    plan = publishing_plan(setup, machine.boot, RefusedEvents(directories.state / REFUSED_EVENTS, log))
    publishing = with_discovery(_heard(plan, desk, log), configuration.home_assistant, setup, retained)
    publisher = Publisher(publishing, outbox=outbox, clock=clock, log=log, bell=bell)
    serving.append(supervisor_of(publisher, setup, clock=clock, log=log))
    publisher.pulse = survey = _survey(publishing, outbox, serving[0], desk, clock=clock, log=log)
    history = _history(directories.state, machine, serving[0], clock=clock, log=log)
    survey.recalled = history.recalled
    recoveries = _recoveries(survey, serving[0], setup, clock=clock, log=log)
    return Gateway(
        identity=GatewayIdentity(gateway=gateway, own_client_id=own_client_id),
        setup=setup,
        publishing=publishing,
        retained=retained,
        outbox=outbox,
        publisher=publisher,
        supervisor=serving[0],
        survey=survey,
        history=history,
        exporter=Exporter(survey, wake_publisher=publisher.wake, clock=clock, log=log),
        recoveries=recoveries,
        claim=claim,
        desk=desk,
    )


def _desk(setup: Setup, section: CommandsSection, serving: Sequence[Supervisor], log: Log) -> CommandDesk | None:
    """Where commands come in; who serves the buses is looked at anew for each request."""
    return open_desk(
        section,
        prefix=setup.stream.topic_prefix,
        gateway=setup.gateway,
        buses=lambda: serving[0].buses if serving else (),
        log=log,
    )


def _heard(plan: PublishingPlan, desk: CommandDesk | None, log: Log) -> PublishingPlan:
    """The plan with those who are told what comes in."""
    rival = Rival(plan.topics, plan.program, log=log)
    return replace(plan, listeners=(rival,) if desk is None else (rival, desk))


def _history(state: Path, machine: Machine, supervisor: Supervisor, *, clock: Clock, log: Log) -> History:
    def tallies() -> Iterator[SensorTally]:
        for report in (bus.report for bus in supervisor.buses):
            if report is not None:
                yield from report.sensors

    return History(state, machine.boot, tallies=tallies, clock=clock, log=log)


def _recoveries(survey: HealthSurvey, supervisor: Supervisor, setup: Setup, *, clock: Clock, log: Log) -> Recoveries:
    """The recover commands of the setup's buses, of which the survey tells."""
    recoveries = Recoveries(hearings=lambda: survey.hearings, buses=lambda: supervisor.buses, clock=clock, log=log)
    recoveries.change(setup.buses)
    survey.recoveries = lambda: recoveries.conditions
    return recoveries


def _survey(
    plan: PublishingPlan,
    outbox: Outbox,
    supervisor: Supervisor,
    desk: CommandDesk | None,
    *,
    clock: Clock,
    log: Log,
) -> HealthSurvey:
    subject = Subject(
        gateway=plan.stream.gateway,
        instance=plan.program.instance,
        boot=plan.boot,
        version=plan.program.version,
        python=sys.version.partition(" ")[0],
        sensors=plan.sensors,
        start=clock.stamp(),
        interval_s=plan.health_interval_s,
    )
    return HealthSurvey(
        subject,
        outbox=outbox,
        buses=lambda: supervisor.buses,
        written=bytes_written,
        desk=desk,
        silences=SilenceLog(log),
    )
