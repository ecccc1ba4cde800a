"""Asks everybody how they are, and makes one value of the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import Stamp
from sensor_gateway.model.vitals.bus_report import BusReport, BusState
from sensor_gateway.model.vitals.gateway_health import (
    GatewayAlarm,
    Health,
    LinkHealth,
    LinkState,
    RecoveryCondition,
)
from sensor_gateway.model.vitals.health_json import health_payload
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.vitals.past import Recalled
from sensor_gateway.model.writing.sentence import shortened
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.tiers.outlook import Outlook
from sensor_gateway.publishing.health.report import PublisherReport
from sensor_gateway.service.commands.audit import CommandCounters
from sensor_gateway.service.health.backlog import Backlog
from sensor_gateway.service.health.beat import Beat
from sensor_gateway.service.health.conditions import (
    LONGEST_REASON,
    bus_conditions,
    clock_of,
    command_counts,
    lost_of,
    sensor_conditions,
    sensor_counts,
    time_of,
)
from sensor_gateway.service.health.flash_writes import wear
from sensor_gateway.service.health.silence import Hearing, SilenceLog, hearing_of, silence_of

_MOST_ASKERS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose health it is. ``sensors`` are the names of all that are configured, ``start`` is when the program began."""

    gateway: str
    instance: str
    boot: str
    version: str
    python: str
    sensors: tuple[str, ...]
    start: Stamp
    interval_s: float | None


class SurveyedOutbox(Protocol):
    """What is asked of the outbox."""

    @property
    def pending(self) -> int:
        """How many events wait."""
        ...

    @property
    def counters(self) -> OutboxCounters:
        """What was counted."""
        ...

    @property
    def alarms(self) -> tuple[str, ...]:
        """What does not work."""
        ...

    def outlook(self) -> Outlook:
        """Since when something waits, and how long there is room."""
        ...


class Reporting(Protocol):
    """Where a bus leaves its report."""

    @property
    def report(self) -> BusReport | None:
        """The newest one; None before the first."""
        ...


class CountingDesk(Protocol):
    """Where commands come in."""

    @property
    def counters(self) -> CommandCounters:
        """What came of them."""
        ...


class HealthSurvey:
    """The publisher's pulse. ``newest`` is replaced as a whole: any thread may show it, and any thread may ``ask``.

    ``recalled``, what is known of earlier lives, and ``recoveries``, what came of recover commands, are given before
    the first turn. ``configuration`` says why the gateway runs by something else than its file; empty where it does
    not. ``hearings`` tell what comes from each bus; they too are replaced as a whole.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        outbox: SurveyedOutbox,
        buses: Callable[[], Sequence[Reporting]],
        written: Callable[[], int | None],
        desk: CountingDesk | None = None,
        silences: SilenceLog | None = None,
    ) -> None:
        """``buses`` gives those that there are now; ``written`` tells the bytes written to flash.

        ``desk`` is None where no command is allowed.
        """
        self._silences = silences
        self.newest: Health | None = None
        self.recalled = Recalled()
        self.recoveries: Callable[[], Mapping[str, RecoveryCondition]] = dict
        self.hearings: Mapping[str, Hearing] = {}
        self._subject = subject
        self._outbox = outbox
        self._buses = buses
        self._written = written
        self._desk = desk
        self._interval_s = subject.interval_s
        self.configuration = ""
        self._beat = Beat(subject.interval_s)
        self._backlog = Backlog()
        self._asked: deque[Callable[[], None]] = deque(maxlen=_MOST_ASKERS)
        self._sensors: dict[str, SensorState] = {}
        self._changes = 0
        self.change(subject.sensors, interval_s=subject.interval_s, now=subject.start)

    @property
    def is_beating(self) -> bool:
        """Whether messages are made, so that ``newest`` is never much older than the interval."""
        return self._interval_s is not None

    def note_sensors(self, states: Iterable[SensorState]) -> None:
        """The health of sensors changed."""
        for state in states:
            if state.sensor in self._sensors:
                self._sensors[state.sensor] = state
                self._changes += 1
        self._note_silences(self._reports())

    def note_configuration(self, alarm: str) -> None:
        """From any thread: why the gateway runs by something else than its file; empty where it does not."""
        self.configuration = shortened(alarm, LONGEST_REASON)

    def change(self, sensors: Sequence[str], *, interval_s: float | None, now: Stamp) -> None:
        """These are configured from now on. Of those that are new, nothing is known yet."""
        self._interval_s = interval_s
        self._beat.change(interval_s)
        known, reason = self._sensors, "waiting for the first good reading"
        self._sensors = {
            name: known.get(name)
            or SensorState(sensor=name, state=Availability.STARTING, code=None, reason=reason, since=now)
            for name in sensors
        }
        self._changes += 1

    def ask(self, ring: Callable[[], None]) -> None:
        """Examine the gateway in the publisher's next turn, whatever is due, and ring when ``newest`` is new."""
        self._asked.append(ring)

    def is_due(self, now_s: float) -> bool:
        """Whether to ask for ``beat``."""
        return bool(self._asked) or self._beat.is_due(now_s)

    def begin(self) -> None:
        """A new connection."""
        self._beat.hurry()

    def beat(self, report: PublisherReport, *, room: int | None, now_s: float, now: Stamp) -> bytes | None:
        """The payload to publish now; None where nothing is new and the interval is not over, or nobody is told."""
        self._answer(report, now)
        if not self._beat.is_due(now_s):
            return None
        reports = self._reports()
        self._note_silences(reports)
        alarms = self._alarms(report, reports)
        states = tuple(bus.state for bus in reports)
        link, counters = report.link, self._outbox.counters
        lost = lost_of(counters, report.counters).total
        ended = self._backlog.look(appended=counters.appended, waiting=self._outbox.pending, now_s=now_s)
        recoveries = tuple(self.recoveries().items())
        sign = (link.state, link.since, alarms, self.configuration, lost, ended, self._changes, states, recoveries)
        if not self._beat.wants(sign, now_s):
            return None
        self.newest = self.examine(report, now)
        return None if room is None or self._interval_s is None else health_payload(self.newest, room)

    def examine(self, report: PublisherReport, now: Stamp) -> Health:
        """The health of the gateway now. In the publisher's thread alone."""
        subject, counters, reports = self._subject, report.counters, self._reports()
        uptime_s = max(now.uptime_ms - subject.start.uptime_ms, 0) // 1000
        outlook, lost = self._outbox.outlook(), lost_of(self._outbox.counters, counters)
        return Health(
            time=time_of(now),
            clock=clock_of(subject.start, now),
            gateway=subject.gateway,
            instance=subject.instance,
            boot=subject.boot,
            version=subject.version,
            python=subject.python,
            uptime_s=uptime_s,
            interval_s=self._interval_s,
            past=self.recalled.past,
            link=LinkHealth(
                state=report.link.state,
                since=time_of(report.link.since),
                reason=shortened(report.link.why, LONGEST_REASON),
                protocol=None if report.link.protocol is None else report.link.protocol.value,
            ),
            reconnects=max(counters.connections - 1, 0),
            buffered=self._outbox.pending,
            oldest=None if outlook.oldest is None else Rfc3339(outlook.oldest),
            full_in_s=None if outlook.full_in_s is None else round(outlook.full_in_s),
            sent=counters.sent,
            acknowledged=counters.acknowledged,
            no_subscriber=counters.no_subscriber,
            lost_total=lost.total,
            lost=lost,
            purged=self._outbox.counters.dropped_by.get(GapCause.PURGE, 0),
            bytes_written=wear(self._written(), uptime_s),
            alarms=self._alarms(report, reports),
            configuration=self.configuration,
            commands=None if self._desk is None else command_counts(self._desk.counters),
            sensor_counts=sensor_counts(self._sensors.values()),
            buses=bus_conditions(reports, self._sensors, self.recoveries()),
            sensors=sensor_conditions(self._sensors, reports, self.recalled.failures),
        )

    def _answer(self, report: PublisherReport, now: Stamp) -> None:
        """Once for all that have asked."""
        rings = [self._asked.popleft() for _ in range(len(self._asked))]
        if rings:
            self.newest = self.examine(report, now)
        for ring in rings:
            ring()

    def _note_silences(self, reports: Sequence[BusReport]) -> None:
        self.hearings = {bus.bus: hearing_of(bus, self._sensors) for bus in reports}
        if self._silences is not None:
            self._silences.note(reports, self._sensors)

    def _reports(self) -> list[BusReport]:
        found = (place.report for place in self._buses())
        return [report for report in found if report is not None]

    def _alarms(self, report: PublisherReport, reports: Sequence[BusReport]) -> tuple[GatewayAlarm, ...]:
        alarms = [GatewayAlarm(name) for name in self._outbox.alarms]
        states = {bus.state for bus in reports}
        others = {
            GatewayAlarm.BROKER_REFUSED: report.link.state is LinkState.REFUSED,
            GatewayAlarm.STREAM_DENIED: report.is_denied,
            GatewayAlarm.STREAM_HELD: report.is_held,
            GatewayAlarm.BUS_HUNG: BusState.HUNG in states,
            GatewayAlarm.BUS_ENDED: BusState.ENDED in states,
            GatewayAlarm.CONFIGURATION: bool(self.configuration),
            GatewayAlarm.BUS_SILENT: any(silence_of(bus, self._sensors) for bus in reports),
            GatewayAlarm.RECOVER_FAILED: any(recovery.reason for recovery in self.recoveries().values()),
        }
        return (*alarms, *(alarm for alarm, is_raised in others.items() if is_raised))
