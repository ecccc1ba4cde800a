"""The configuration that a gateway runs by, and how it comes to another one. Of the main thread alone.

What differs is worked out first (``difference``), and nothing is begun that could not be ended: a fault, or something
that only a restart can change, leaves everything as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from sensor_gateway.config.loading import Startable
from sensor_gateway.config.text.faults import Fault
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.log import Log
from sensor_gateway.model.writing.figures import counted
from sensor_gateway.publishing.delivery import PublishingChange
from sensor_gateway.service.assembly import Gateway
from sensor_gateway.service.building.publication import published_anew
from sensor_gateway.service.building.serving import plan_bus
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.configuration.difference import Difference, difference
from sensor_gateway.service.configuration.last_good import LastGood
from sensor_gateway.service.configuration.reading import Reading
from sensor_gateway.service.configuration.setup import Setup, setup_of
from sensor_gateway.service.identity import own_gateway_id
from sensor_gateway.service.reload_requests.answer import Outcome, ReloadAnswer
from sensor_gateway.service.supervision import BusChanges

_PUBLISHER_WITHIN_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.002


class Source(Protocol):
    """Where the configuration is read from."""

    file: Path

    def read(self) -> Reading:
        """As it is now."""
        ...


class Reloader:
    """Changes a running gateway. Its survey is told a sentence while the gateway runs by something else than the file.

    That stands from a start with a faulty file, or a reload that changed nothing, until a good file is loaded.
    """

    def __init__(
        self, gateway: Gateway, source: Source, *, state_directory: Path, last_good: LastGood, clock: Clock, log: Log
    ) -> None:
        """``gateway`` was assembled from what ``source`` gave, or from what ``last_good`` kept."""
        self._gateway = gateway
        self._source = source
        self._state_directory = state_directory
        self._last_good = last_good
        self._clock = clock
        self._log = log
        self._setup = gateway.setup
        self._publishing = gateway.publishing
        self._number = 0
        self._pause = threading.Event()

    def began(self, reading: Reading) -> None:
        """The gateway runs, by this reading of the file."""
        if reading.copies is None and not reading.faults:
            mind = "the password is written in a way that it cannot be left out: use mqtt.password_file"
            self._log.warning("configuration_not_kept", reason=mind)
        self._last_good.ran(reading.copies, self._clock.monotonic())

    def fell_back(self, faults: Sequence[Fault]) -> None:
        """The gateway runs by what was kept, since the file has these faults."""
        self._faulty(faults, "the gateway runs by the last configuration that ran, until the file is good")

    def turn(self) -> None:
        """What is left to do of earlier changes."""
        self._last_good.turn(self._clock.monotonic(), self._log)

    def reload(self) -> ReloadAnswer:
        """Read the configuration anew, and change what differs. Takes about two seconds at most."""
        reading = self._source.read()
        warnings = tuple(f"{warning} (warning)" for warning in reading.warnings)
        configuration = reading.configuration
        if configuration is None:
            self._faulty(reading.faults, "the gateway goes on as it was")
            return ReloadAnswer(outcome=Outcome.FAULTY, problems=tuple(map(str, reading.faults)), notes=warnings)
        identity = self._gateway.identity
        setup = setup_of(
            Startable(configuration=configuration),
            reading.catalogue,
            gateway=configuration.gateway.id or own_gateway_id(self._state_directory),
            own_client_id=identity.own_client_id,
        )
        found = difference(self._setup, setup)
        problems = found.refusals or self._tried(found)
        if problems:
            self._raise(f"the configuration file cannot be used: {problems[0]}")
            self._log.error("reload_refused", reasons=list(problems))
            return ReloadAnswer(outcome=Outcome.REFUSED, problems=problems, notes=warnings)
        notes = (*found.notes, *self._make(found), *warnings)
        self.began(reading)
        self._raise("")
        changes = found.sentences()
        self._log.info("configuration_reloaded", changes=list(changes), notes=list(notes))
        outcome = Outcome.CHANGED if changes else Outcome.UNCHANGED
        return ReloadAnswer(outcome=outcome, changes=changes, notes=notes)

    def _tried(self, found: Difference) -> tuple[str, ...]:
        """Build the buses that are to come, closed: one in software may have a model that cannot be loaded."""
        problems = []
        for name in (*found.buses_changed, *found.buses_renewed, *found.buses_added):
            bus = found.setup.buses[name]
            try:
                make_bus(name, bus.section, bus.sensors, self._clock)
            except (OperatorError, ValueError, KeyError) as error:
                problems.append(f"bus {name} cannot be made: {error}")
        return tuple(problems)

    def _make(self, found: Difference) -> tuple[str, ...]:
        """Let go of what has to go, tell the publisher, then begin what is new: no word of either is misplaced.

        Sentences on what could not be done for the moment.
        """
        self._number += 1
        setup = self._setup = found.setup
        supervisor = self._gateway.supervisor
        changes = self._bus_changes(found, setup)
        supervisor.withdraw(changes)
        if found.is_described_anew or found.is_broker_changed or found.is_health_changed:
            self._publishing = plan = published_anew(self._publishing, setup, self._gateway.retained)
            change = PublishingChange(plan=plan, is_broker_changed=found.is_broker_changed, is_moving=found.is_moving)
            self._publish(change)
        supervisor.install(changes)
        self._gateway.recoveries.change(setup.buses)
        problem = self._gateway.exporter.open(setup.metrics)
        return (problem,) if problem else ()

    def _bus_changes(self, found: Difference, setup: Setup) -> BusChanges:
        plan = partial(plan_bus, setup=setup, clock=self._clock, log=self._log)
        return BusChanges(
            number=self._number,
            removed=found.buses_removed,
            silenced=found.silenced,
            changed=tuple(plan(name) for name in found.buses_changed),
            renewed=tuple(plan(name) for name in found.buses_renewed),
            added=tuple(plan(name) for name in found.buses_added),
        )

    def _publish(self, change: PublishingChange) -> None:
        """Hand the change over, and wait a moment until it is made: what is new is known there before it speaks."""
        publisher = self._gateway.publisher
        wanted = publisher.changes + 1
        publisher.change(change)
        until_s = self._clock.monotonic() + _PUBLISHER_WITHIN_S
        while publisher.changes < wanted and self._clock.monotonic() < until_s:
            self._pause.wait(_LOOK_EVERY_S)

    def _raise(self, alarm: str) -> None:
        self._gateway.survey.note_configuration(alarm)

    def _faulty(self, faults: Sequence[Fault], mind: str) -> None:
        self._raise(f"the configuration file has {counted(len(faults), 'fault')}; {mind}; the first is at {faults[0]}")
        for fault in faults:
            self._log.error(
                "configuration_faulty",
                file=str(fault.file),
                line=fault.line,
                column=fault.column,
                path=fault.path,
                reason=fault.message,
            )
        self._log.error("configuration_not_used", faults=len(faults), mind=mind)
