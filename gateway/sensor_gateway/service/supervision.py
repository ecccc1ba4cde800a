"""Who watches the threads: a bus thread that ended is started anew, one that hangs is left alone and reported.

A bus thread that hangs (a read that the kernel never answers) cannot be ended and holds its bus, so nothing is started
beside it: its sensors are reported, what it may hand over later is discarded, and its bus is opened again when it has
ended. A publisher that hangs or ended cannot be replaced, since it owns the outbox: the process must end.
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

HUNG_AFTER_S: Final = 60.0
"""A bus thread takes a turn every 10 s at least; the longest exchange on a line is far below this."""

PUBLISHER_HUNG_AFTER_S: Final = 120.0
RESTART_AFTER_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
LOOK_EVERY_S: Final = 5.0

_BUSES_END_WITHIN_S: Final = 1.0
"""All together: the rest of the time for a stop is the publisher's, which has a goodbye to say."""


class Runner(Protocol):
    """A thing that runs in a thread of its own. ``progress`` rises with every turn."""

    progress: int

    def run(self) -> None:
        """Run until ``stop()``."""
        ...

    def stop(self) -> None:
        """End soon; from any thread."""
        ...


class PublisherHung(Exception):
    """The publisher makes no progress, or is gone. Only a new process can help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusPlan:
    """One bus: its sensors, and how to make its poller for an outlet. ``capacity`` is that of the outlet."""

    name: str
    sensors: tuple[SensorPlan, ...]
    make_poller: Callable[[Outlet], Runner]
    capacity: int


class _Life:
    """One thread's life, and when it last made progress."""

    def __init__(self, name: str, runner: Runner, now_s: float) -> None:
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
        self.life: _Life | None = None
        self.is_hung = False
        self._detectors: list[tuple[Source, ChannelDetector]] = []

    @property
    def report(self) -> BusReport | None:
        """What the bus says of itself; None before it has said anything. For any thread."""
        return self._outlets[self._place].report

    def start(self, now_s: float) -> None:
        """Start a thread with a new poller and a new outlet."""
        outlet = Outlet(self.plan.capacity, self._wake)
        self._outlets[self._place] = outlet
        self.life = _Life(f"bus-{self.plan.name}", self.plan.make_poller(outlet), now_s)
        self.life.thread.start()
        self.is_hung = False
        self._restart_at_s = None

    def look(self, clock: Clock, log: Log) -> None:
        """Start anew what ended, report what hangs."""
        now_s = clock.monotonic()
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
        outlet = Outlet(self.plan.capacity, self._wake)
        outlet.report = self._last_report(before, BusState.HUNG)
        self._outlets[self._place] = outlet
        stamp = clock.stamp()
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
        log.error("bus_hung", bus=self.plan.name, sensors=[sensor.name for sensor in self.plan.sensors])

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


class Supervisor:
    """Starts and stops the threads, and looks after them every LOOK_EVERY_S seconds."""

    def __init__(self, *, publisher: Runner, buses: Sequence[BusKeeper], clock: Clock, log: Log) -> None:
        """Look after these; the caller's thread is the supervising one."""
        self._publisher = publisher
        self._buses = buses
        self._clock = clock
        self._log = log
        self._publishing: _Life | None = None

    def start(self) -> None:
        """Start every thread, the publisher first."""
        now_s = self._clock.monotonic()
        self._publishing = _Life("publisher", self._publisher, now_s)
        self._publishing.thread.start()
        for bus in self._buses:
            bus.start(now_s)

    def step(self) -> float:
        """Look once; seconds until the next look is wanted. PublisherHung when the process must end."""
        if self._publishing is not None:
            silent_s = self._publishing.silent_s(self._clock.monotonic())
            if not self._publishing.thread.is_alive():
                raise PublisherHung("the publisher's thread has ended")
            if silent_s >= PUBLISHER_HUNG_AFTER_S:
                raise PublisherHung(f"the publisher has made no progress for {silent_s:.0f} s")
        for bus in self._buses:
            bus.look(self._clock, self._log)
        return LOOK_EVERY_S

    def stop(self, timeout_s: float) -> bool:
        """Stop measuring, then publish what was measured and say goodbye; False when it took too long."""
        began_s = self._clock.monotonic()
        lives = [bus.life for bus in self._buses if bus.life is not None]
        for life in lives:
            life.runner.stop()
        for life in lives:
            life.thread.join(max(0.0, began_s + _BUSES_END_WITHIN_S - self._clock.monotonic()))
        if self._publishing is None:
            return True
        self._publisher.stop()
        self._publishing.thread.join(max(0.0, began_s + timeout_s - self._clock.monotonic()))
        return not self._publishing.thread.is_alive()
