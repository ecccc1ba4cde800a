"""Keeps one bus served: a thread that ended is started anew, one that hangs is left alone and reported.

A bus thread that hangs (a read that the kernel never answers) cannot be ended and holds its bus, so nothing is started
beside it: its sensors are reported, what it may hand over later is discarded, and its bus is opened again when it has
ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from sensor_gateway.changes.detector import ChannelDetector
from sensor_gateway.model.channel import Source
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Failure, FailureCode, Stamp
from sensor_gateway.model.vitals.bus_report import BusReport, BusState
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import BusChange
from sensor_gateway.sensing.polling.enquiries import Enquiries
from sensor_gateway.sensing.polling.knowledge import ReadAnswer
from sensor_gateway.sensing.polling.loan import Loan

HUNG_AFTER_S: Final = 60.0
"""A bus thread takes a turn every 10 s at least; the longest exchange on a line is far below this."""

RESTART_AFTER_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
LOOK_EVERY_S: Final = 5.0


class Runner(Protocol):
    """A thing that runs in a thread of its own. ``progress`` rises with every turn."""

    progress: int

    def run(self) -> None:
        """Run until ``stop()``."""
        ...

    def stop(self) -> None:
        """End soon; from any thread."""
        ...


class BusRunner(Runner, Protocol):
    """What serves a bus. Its sensors may change while it runs."""

    @property
    def enquiries(self) -> Enquiries:
        """Where to ask for a sensor to be read now."""
        ...

    @property
    def loan(self) -> Loan:
        """Where to ask for the bus itself."""
        ...

    def change(self, change: BusChange) -> None:
        """Serve these sensors soon; from any thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BusPlan:
    """One bus: its sensors, and how to make its poller for an outlet. ``capacity`` is that of the outlet."""

    name: str
    sensors: tuple[SensorPlan, ...]
    make_poller: Callable[[Outlet], BusRunner]
    capacity: int


class Life:
    """One thread's life, and when it last made progress."""

    def __init__(self, name: str, runner: Runner, now_s: float) -> None:
        """Not started yet."""
        self.runner = runner
        self._progress = runner.progress
        self._seen_s = now_s
        self._silent_s = 0.0
        self.thread = threading.Thread(target=runner.run, name=name, daemon=True)

    def silent_s(self, now_s: float) -> float:
        """How long it has made no progress, as of this look. A stall of the whole process is not the thread's."""
        since_s = now_s - self._seen_s
        self._seen_s = now_s
        if self.runner.progress == self._progress:
            self._silent_s += min(since_s, 2 * LOOK_EVERY_S)
        else:
            self._progress = self.runner.progress
            self._silent_s = 0.0
        return self._silent_s


class BusKeeper:
    """Keeps one bus served. ``outlets[place]`` is where the publisher finds what its poller hands over."""

    def __init__(self, plan: BusPlan, outlets: list[Outlet], place: int, *, wake: Callable[[], None]) -> None:
        """Own the place ``place`` of ``outlets``."""
        self.plan = plan
        self._outlets = outlets
        self._place = place
        self._wake = wake
        self._restarts = 0
        self._restart_at_s: float | None = None
        self.life: Life | None = None
        self.is_hung = False
        self._runner: BusRunner | None = None
        self._is_renewed = False
        self._detectors: list[tuple[Source, ChannelDetector]] = []

    @property
    def report(self) -> BusReport | None:
        """What the bus says of itself; None before it has said anything. For any thread."""
        return self._outlets[self._place].report

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self.plan.name

    @property
    def sensors(self) -> tuple[SensorPlan, ...]:
        """What is read on it."""
        return self.plan.sensors

    @property
    def enquiries(self) -> Enquiries | None:
        """Where to ask for a sensor to be read now; None where the bus is not served."""
        return None if self._runner is None or self.is_hung else self._runner.enquiries

    @property
    def loan(self) -> Loan | None:
        """Where to ask for the bus itself; None where it is not served, and could not be given up."""
        return None if self._runner is None or self.is_hung else self._runner.loan

    def answers(self) -> Sequence[ReadAnswer]:
        """From the publisher's thread: what has been read since the last time."""
        return self._outlets[self._place].take_answers()

    def start(self, now_s: float) -> None:
        """Start a thread with a new poller. What the one before has handed over is still there to be taken."""
        outlet = self._outlets[self._place]
        outlet.begin(capacity=self.plan.capacity)
        outlet.report = None
        self._runner = self.plan.make_poller(outlet)
        self.life = Life(f"bus-{self.plan.name}", self._runner, now_s)
        self.life.thread.start()
        self.is_hung = self._is_renewed = False
        self._restart_at_s = None

    def silence(self, sensors: Sequence[str], number: int) -> None:
        """Nothing is heard of these any more, whatever their thread still does with them."""
        self._outlets[self._place].silence(sensors, number)

    def change(self, plan: BusPlan, number: int, clock: Clock) -> None:
        """Serve other sensors on the same bus: soon, or when its thread is started anew."""
        self.plan = plan
        if self._runner is not None:
            self._runner.change(BusChange(number=number, sensors=plan.sensors, capacity=plan.capacity))
        if self.is_hung:
            self._tell_hung(clock)

    def renew(self, plan: BusPlan, clock: Clock) -> None:
        """End the thread, and have another by this plan as soon as it has ended: ``look`` sees to it."""
        self.plan = plan
        self._is_renewed = True
        if self._runner is not None:
            self._runner.stop()
        if self.is_hung:
            self._tell_hung(clock)

    def retire(self) -> None:
        """Serve no more. What was handed over is still there to be taken; the place is free when it was."""
        self._outlets[self._place].abandon()
        if self._runner is not None:
            self._runner.stop()

    def look(self, clock: Clock, log: Log) -> None:
        """Start anew what ended, report what hangs."""
        now_s = clock.monotonic()
        if self._is_renewed and (self.life is None or not self.life.thread.is_alive()):
            self.start(now_s)
        if self._restart_at_s is not None:
            if now_s >= self._restart_at_s:
                self.start(now_s)
                log.info("bus_restarted", bus=self.plan.name)
            return
        if self.life is None:
            return
        if not self.life.thread.is_alive():
            delay_s = RESTART_AFTER_S[min(self._restarts, len(RESTART_AFTER_S) - 1)]
            self._restarts += 1
            self._restart_at_s = now_s + delay_s
            outlet = self._outlets[self._place]
            outlet.report = self._last_report(outlet, BusState.ENDED)
            log.warning("bus_thread_ended", bus=self.plan.name, restart_in_s=delay_s)
        elif self.is_hung:
            outlet = self._outlets[self._place]
            repeated = self._faults(outlet, clock.stamp())
            if repeated:
                outlet.put(repeated, [])
        elif self.life.silent_s(now_s) >= HUNG_AFTER_S:
            self._report_hung(clock, log)

    def _report_hung(self, clock: Clock, log: Log) -> None:
        self.is_hung = True
        if self.life is not None:
            self.life.runner.stop()  # should it ever come back, it ends, and the bus is opened again
        before = self._outlets[self._place]
        before.abandon()
        self._outlets[self._place] = outlet = Outlet(self.plan.capacity, self._wake)
        outlet.report = self._last_report(before, BusState.HUNG)
        self._tell_hung(clock)
        log.error("bus_hung", bus=self.plan.name, sensors=[sensor.name for sensor in self.plan.sensors])

    def _tell_hung(self, clock: Clock) -> None:
        outlet, stamp = self._outlets[self._place], clock.stamp()
        outlet.begin(capacity=self.plan.capacity)  # what puts here now is this thread, which knows all
        self._detectors = [
            (channel.source, ChannelDetector(channel.source, channel.rules))
            for sensor in self.plan.sensors
            for channel in sensor.channels
            if channel.is_published
        ]
        states = [
            SensorState(
                sensor=sensor.name,
                state=Availability.OFFLINE,
                code=FailureCode.BUS_STUCK,
                reason=self._complaint(),
                since=stamp,
            )
            for sensor in self.plan.sensors
        ]
        outlet.put(self._faults(outlet, stamp), states)

    def _faults(self, outlet: Outlet, stamp: Stamp) -> list[ChangeEvent]:
        """What the channels have to say while nobody reads them: a fault, repeated at each heartbeat."""
        events: list[ChangeEvent] = []
        for source, detector in self._detectors:
            failure = Failure(source=source, code=FailureCode.BUS_STUCK, detail=self._complaint(), stamp=stamp)
            event = detector.fail(failure, has_room=len(events) < outlet.room)
            if event is not None:
                events.append(event)
        return events

    def _last_report(self, outlet: Outlet, state: BusState) -> BusReport:
        """What the thread said last, with what has become of it. Of the last minute nothing is known any more."""
        name = self.plan.name
        silent = BusReport(
            bus=name, state=state, load=None, error_rate=None, transfers=0, errors=0, missed=0, put_off=0, sensors=()
        )
        return replace(outlet.report or silent, state=state, load=None, error_rate=None)

    def _complaint(self) -> str:
        return f"bus {self.plan.name} hangs: a call into the system does not return; unplug the bus or restart"
