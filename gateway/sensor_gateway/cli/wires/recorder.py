"""Runs the sensors of one bus as the daemon does, with a tap in its door that writes down what goes through."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from sensor_gateway import __version__
from sensor_gateway.cli.arguments import EX_FAILED, program, say
from sensor_gateway.cli.read import refusal_code
from sensor_gateway.config.sections.buses import SimulatedBusSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.show import show
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import GatewayError, OperatorError
from sensor_gateway.sensing.bus import Bus, I2cBus, line_of
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.logs import open_log
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.virtual_clock import VirtualClock
from sensor_gateway.testing.recording_file import Header, RecordingWriter, Step
from sensor_gateway.testing.tapping import Hearing, TappedBus, TappedLine

HEARD: Final = (BusKind.I2C, BusKind.SERIAL_REQUEST, BusKind.SERIAL_STREAM)
"""What can be tapped."""

_CAPACITY: Final = 100_000
_SHORTEST_S: Final = 1e-4


class Recorder:
    """One recording of some sensors of one bus."""

    def __init__(
        self, configuration: Configuration, catalogue: DriverCatalogue, *, bus: str, sensors: Sequence[str]
    ) -> None:
        """Nothing is opened yet."""
        self._part = Configuration(
            gateway=replace(configuration.gateway, id=None, label=""),
            buses={bus: configuration.buses[bus]},
            sensors={name: configuration.sensors[name] for name in sensors},
        )
        self._bus = bus
        self._plans = sensor_plans(self._part, catalogue)
        self._drivers = {plan.variant: catalogue.origin(plan.variant) for plan in self._plans}
        # Software needs no time.
        self._virtual = VirtualClock() if isinstance(configuration.buses[bus], SimulatedBusSection) else None
        self._steps = 0
        self._poller: Poller | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to replay: the bus could not be opened."""
        return self._poller is None

    def summary(self, file: Path) -> str:
        """What was recorded, and what to do with it."""
        done = None if self._poller is None else self._poller.counters
        good, failed = (0, 0) if done is None else (done.readings, done.failures)
        return (
            f"{file}: {self._steps} steps, {good} good readings, {failed} failed polls; "
            f"`{program()} replay {file}` plays it"
        )

    def record(self, out: TextIO, duration_s: float) -> int:
        """Record for so long, or until Ctrl-C; the exit code."""
        clock = self._virtual or SystemClock()
        door = make_bus(self._bus, self._part.buses[self._bus], self._plans, clock)
        header = Header(
            bus=self._bus,
            is_i2c=isinstance(door, I2cBus),
            began=clock.stamp(),
            monotonic_s=clock.monotonic(),
            program=__version__,
            drivers=self._drivers,
            configuration=show(self._part),
        )
        writer = RecordingWriter(out, header)

        def hear(step: Step) -> None:
            self._steps += 1
            writer.write(step)

        tap = _tapped(door, clock, hear)
        try:
            door.open()
        except GatewayError as error:
            say(f"sensor-gateway: {error}")
            return refusal_code(error)
        poller = self._poller = Poller(
            bus=tap,
            sensors=self._plans,
            clock=clock,
            outlet=Outlet(_CAPACITY, lambda: None),
            log=open_log(level="error"),
            slack_s=self._part.gateway.slack,
        )
        try:
            self._run(poller, header.monotonic_s, duration_s)
        finally:
            writer.end(clock.monotonic() - header.monotonic_s)
            tap.close()
        return os.EX_OK if poller.counters.readings else EX_FAILED

    def _run(self, poller: Poller, began_s: float, duration_s: float) -> None:
        clock = self._virtual or SystemClock()
        end_s = began_s + duration_s
        if self._virtual is not None:
            self._virtual.limit_s = end_s
        with _stopped_by_ctrl_c(poller) as stopped:
            while (left_s := end_s - clock.monotonic()) > 0 and not stopped.is_set():
                wait_s = max(min(poller.step(), left_s), _SHORTEST_S)
                if self._virtual is not None:
                    self._virtual.advance(wait_s)
                else:
                    stopped.wait(wait_s)


def _tapped(door: Bus, clock: Clock, hear: Hearing) -> TappedBus | TappedLine:
    line = line_of(door)
    if line is not None:
        return TappedLine(line, clock, hear)
    if isinstance(door, I2cBus):
        return TappedBus(door, clock, hear)
    raise OperatorError(f"{door.name} has no wire on which anything could be recorded")


@contextmanager
def _stopped_by_ctrl_c(poller: Poller) -> Iterator[threading.Event]:
    """Ctrl-C ends the turn and sets the event. The engine would take a KeyboardInterrupt for the driver's."""
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()
        poller.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
