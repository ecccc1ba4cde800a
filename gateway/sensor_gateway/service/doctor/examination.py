"""One examination: every door is asked, every judge heard. Nothing is changed, and nothing needs root."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from sensor_gateway.config.settings import ClockSection, Configuration, OutboxSection
from sensor_gateway.model.clock import Clock
from sensor_gateway.outbox.inspection.check import check
from sensor_gateway.outbox.inspection.complaints import BAD, complaints_of
from sensor_gateway.outbox.inspection.owner import owner_of
from sensor_gateway.outbox.inspection.snapshot import Inspected, take_snapshot
from sensor_gateway.outbox.inspection.status import status_of
from sensor_gateway.service.configuration.reading import Reading
from sensor_gateway.service.doctor.doors.account import account_of, nearest, node_of
from sensor_gateway.service.doctor.doors.broker import look_at_broker
from sensor_gateway.service.doctor.doors.machine import MachineDoor
from sensor_gateway.service.doctor.doors.system import SystemDoor
from sensor_gateway.service.doctor.doors.wires import WireDoor, device_of
from sensor_gateway.service.doctor.finding import Finding, unseen
from sensor_gateway.service.doctor.judges.access import judge_account, judge_nodes, judge_state_directory
from sensor_gateway.service.doctor.judges.broker import judge_broker
from sensor_gateway.service.doctor.judges.clock import ClockFacts, judge_clock
from sensor_gateway.service.doctor.judges.configuration import judge_configuration
from sensor_gateway.service.doctor.judges.disk import judge_card, judge_disk, judge_outbox_writes
from sensor_gateway.service.doctor.judges.outbox import OutboxFacts, judge_outbox
from sensor_gateway.service.doctor.judges.system import SystemFacts, judge_system
from sensor_gateway.service.doctor.judges.wires import SensorFacts, judge_sensors, judge_wire
from sensor_gateway.service.plans import broker_settings, sensor_plans
from sensor_gateway.service.time_sources.choice import time_source
from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS

_PAUSE_S: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is examined. ``inspected`` is None where no outbox is known; ``barred`` says why it may not be seen.

    ``unread`` says which part of the configuration could not be seen, empty for none.
    """

    file: Path
    reading: Reading
    unread: str
    state_directory: Path
    inspected: Inspected | None
    barred: str
    gateway: str


class Examination:
    """Of one gateway on this computer."""

    def __init__(
        self, asked: Asked, clock: Clock, *, machine: MachineDoor | None = None, system: SystemDoor | None = None
    ) -> None:
        """Nothing is looked at yet."""
        self._asked = asked
        self._clock = clock
        self._machine = machine or MachineDoor()
        self._system = system or SystemDoor()

    def findings(self) -> Iterator[Finding]:
        """Each as it is found."""
        asked, startable = self._asked, self._asked.reading.startable
        configuration = None if startable is None else startable.configuration
        count = None if configuration is None else len(configuration.sensors)
        if asked.unread:
            yield unseen("configuration", asked.unread, f"sudo sensor-gateway doctor {shlex.quote(str(asked.file))}")
        if count is not None or asked.reading.faults:
            yield from judge_configuration(asked.file, asked.reading.faults, asked.reading.warnings, count)
        outbox, barred = self._outbox()
        system = self._system.look()
        if configuration is not None:
            yield from self._access(configuration, system)
            yield from self._wires(configuration, is_running=self._is_running(outbox))
            if not asked.unread:
                yield from self._broker(configuration)
        yield judge_clock(self._wall_clock(configuration))
        yield from self._disk(configuration)
        yield from self._storage(outbox, barred)
        yield from judge_system(system)

    def _is_running(self, outbox: OutboxFacts | None) -> bool:
        """Whether a gateway holds the state directory, which can be told without looking into it, too."""
        if outbox is not None:
            return outbox.is_owned is True
        try:
            return owner_of(self._asked.state_directory).is_there is True
        except OSError:
            return False

    def _access(self, configuration: Configuration, system: SystemFacts) -> Iterator[Finding]:
        account = account_of(system.unit)
        yield judge_account(account)
        devices = {name: device_of(section) for name, section in configuration.buses.items()}
        nodes = [(name, node_of(path)) for name, path in devices.items() if path is not None]
        yield from judge_nodes(account, [(name, node) for name, node in nodes if node is not None])
        directory = self._asked.state_directory
        yield judge_state_directory(account, directory, nearest(directory))

    def _wires(self, configuration: Configuration, *, is_running: bool) -> Iterator[Finding]:
        plans = sensor_plans(configuration, self._asked.reading.catalogue)
        sensors: list[SensorFacts] = []
        for wire, on_it in WireDoor(configuration, plans, self._clock, is_running=is_running).look():
            yield from judge_wire(wire)
            sensors += on_it
        if is_running and sensors:
            names = ", ".join(sensor.name for sensor in sensors)
            yield unseen(
                "sensors",
                f"a gateway reads {names}, and owns the buses",
                f"sensor-gateway tail --config {shlex.quote(str(self._asked.file))}   # what it publishes",
            )
            return
        yield from judge_sensors(sensors, self._asked.file)

    def _broker(self, configuration: Configuration) -> Iterator[Finding]:
        if configuration.mqtt is None:
            return
        facts = look_at_broker(
            broker_settings(configuration.mqtt, client_id=""),
            f"{configuration.mqtt.topic_prefix}/{self._asked.gateway}/status",
        )
        wall_ms = self._clock.stamp().wall_ms
        yield from judge_broker(facts, wall_ms, file=self._asked.file, is_clock_set=wall_ms >= PLAUSIBLE_MS)

    def _wall_clock(self, configuration: Configuration | None) -> ClockFacts:
        name = (ClockSection() if configuration is None else configuration.clock).source
        return self._machine.clock(time_source(name), may_guess=name == "auto")

    def _disk(self, configuration: Configuration | None) -> Iterator[Finding]:
        outbox = OutboxSection() if configuration is None else configuration.outbox
        disk = self._machine.disk(self._asked.state_directory)
        if disk is None:
            place = self._asked.state_directory
            yield unseen("disk", f"{place} may not be looked at", f"sudo df -h {shlex.quote(str(place))}")
        else:
            yield from judge_disk(disk, keep_free=outbox.keep_free)
        for card in self._machine.cards():
            yield from judge_card(card)

    def _storage(self, outbox: OutboxFacts | None, barred: str) -> Iterator[Finding]:
        if outbox is not None:
            yield from judge_outbox_writes(outbox.write_per_day)
            yield from judge_outbox(outbox)
        elif barred:
            yield unseen("outbox", barred, "sudo sensor-gateway outbox status")
        else:
            place = self._asked.state_directory
            yield unseen(
                "outbox", f"no gateway has run with {place} yet", "sensor-gateway outbox status --state-dir DIR"
            )

    def _outbox(self) -> tuple[OutboxFacts | None, str]:
        """What is known of it; and why it may not be looked at."""
        if self._asked.inspected is None:
            return None, self._asked.barred
        try:
            return _facts_of(self._asked.inspected), ""
        except PermissionError as error:
            return None, f"no permission: {error.filename}"


def _facts_of(inspected: Inspected) -> OutboxFacts:
    snapshot = take_snapshot(inspected)
    status = status_of(snapshot, time.time(), complaints_of(snapshot))
    report = check(lambda: take_snapshot(inspected), partial(threading.Event().wait, _PAUSE_S))
    return OutboxFacts(
        waiting=status.waiting,
        complaints=tuple((complaint.text, complaint.name in BAD) for complaint in status.complaints),
        damaged=len(report.damage),
        days_left=status.flash.days_left,
        write_per_day=status.wear.per_day,
        is_owned=snapshot.owner.is_there,
    )
