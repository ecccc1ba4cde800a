"""The owner of one bus: reads its sensors when they are due, all that can be in one wake-up.

``step`` is one turn, ``run`` the loop around it. It waits for nobody but its bus: what the outlet has no room for stays
with the detectors. What ``step`` calls is in the folder ``polling``; drivers are run by the engine.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing, BusStuck, MeasurementError, WireError
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.bus import Bus, I2cBus, Rewirable, SerialLine, line_of
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.polling.enquiries import Enquiries
from sensor_gateway.sensing.polling.loan import Loan
from sensor_gateway.sensing.polling.news import News
from sensor_gateway.sensing.polling.opening import Opening
from sensor_gateway.sensing.polling.roster import PollerCounters, Roster
from sensor_gateway.sensing.polling.schedule import Moment, next_turn
from sensor_gateway.sensing.polling.sensor import PolledSensor
from sensor_gateway.sensing.polling.stuck import is_bus_to_blame
from sensor_gateway.sensing.reporting.bus_ledger import BusLedger

LONGEST_TURN_S: Final = 10.0
"""A turn is taken at least so often, so that supervision sees that the thread lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusChange:
    """Which sensors a bus serves from now on, and how many events its outlet holds.

    A plan that is the same object as before stands for a sensor that nothing happens to. ``number`` rises with every
    change, so that the outlet knows which silences are over.
    """

    number: int
    sensors: tuple[SensorPlan, ...]
    capacity: int


class Poller:
    """Reads the sensors of one bus, in one thread. For all: ``stop``, ``change``, ``progress`` and ``counters``.

    So are ``enquiries``, where somebody asks for a sensor to be read now, and ``loan``, where the bus is asked for.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        sensors: Sequence[SensorPlan],
        clock: Clock,
        outlet: Outlet,
        log: Log,
        slack_s: float,
    ) -> None:
        """Nothing is opened or asked yet. ValueError for a line that is to serve requests and a stream at once."""
        self.progress = 0
        self._bus = bus
        self._clock = clock
        self._outlet = outlet
        self._log = log
        self._slack_s = slack_s
        self._is_stopping = False
        self._woken = threading.Event()
        self._changes: deque[BusChange] = deque()
        self.enquiries = Enquiries(self._woken.set)
        self._opening = Opening(bus, clock, log)
        self._news = News(slack_s)
        self._next_s = float("-inf")
        self._is_proven = False
        self._stuck_reason = ""
        self._line = line_of(bus)
        self._roster = Roster(sensors, bus, news=self._news, clock=clock, log=log, slack_s=slack_s)
        self._is_talking = self._roster.is_talking
        self.loan = Loan(self._woken.set, self._line if self._is_talking else None)
        self._ledger = BusLedger(bus.name, meter=None if self._is_talking else self._roster.meter)

    def run(self) -> None:
        """Take turns until ``stop``. Ends by itself only for a fault of its own, which it logs."""
        try:
            while not self._is_stopping:
                wait_s = self.step()
                if wait_s > 0:
                    self._woken.wait(wait_s)
                    self._woken.clear()  # here, and not in a turn: a stop that came meanwhile is seen above
        except Exception as error:  # noqa: BLE001 - the top of a thread: the supervisor decides what follows
            self._log.error("bus_thread_failed", bus=self._bus.name, reason=str(error), exc_info=True)
        finally:
            self._roster.close()
            self._opening.close()

    def stop(self) -> None:
        """From any thread: end after the present turn, and at once where it waits."""
        self._is_stopping = True
        self._woken.set()
        if self._line is not None:
            self._line.wake()

    def change(self, change: BusChange) -> None:
        """From any thread: serve these sensors from the next turn on. Nothing under way is cut short."""
        self._changes.append(change)
        self._woken.set()
        if self._is_talking and self._line is not None:
            self._line.wake()

    def step(self) -> float:
        """Take one turn: serve all that is due, and hand over what is news. Seconds until the next turn is wanted.

        On the line of a stream the turn begins with the wait for bytes, and the next one is wanted at once.
        """
        self.progress += 1
        if self._changes:
            self._change()
        news = self._news
        news.room = self._outlet.room
        is_open = self._is_opened()
        is_asked = self.enquiries.is_any
        if is_asked:
            self.enquiries.begin(self._roster.polled, self._clock.monotonic(), self._clock.stamp(), is_open=is_open)
        if is_open:
            if self._is_talking and self._line is not None:
                self._listen(self._line)
            else:
                self._poll()
            if not self._is_proven:
                self._prove()
        stamp = self._clock.stamp()
        news.ring(stamp)
        if stamp.uptime_ms >= self._ledger.due_ms or news.states:
            counters, tallies = self._roster.counters, self._roster.tallies
            self._outlet.report = self._ledger.report(
                stamp.uptime_ms, missed=counters.missed, put_off=counters.refused, sensors=tallies
            )
        if news.events or news.states:
            self._outlet.put(news.events, news.states)
            news.events.clear()
            news.states.clear()
        if is_asked:
            self._outlet.answer(self.enquiries.take(self._roster.polled, stamp))
            if self.enquiries.is_more:
                return 0.0
        return self._until_next(stamp.uptime_ms)

    @property
    def counters(self) -> PollerCounters:
        """What has been done so far."""
        return self._roster.counters

    def _change(self) -> None:
        """Take over what was ordered, one after the other: what left and came back has begun anew."""
        while self._changes:
            change = self._changes.popleft()
            if isinstance(self._bus, Rewirable):
                self._bus.rewire(change.sensors, self._roster.kept(change.sensors))
            new = self._roster.change(change.sensors)
            self._outlet.heed(change.number, capacity=change.capacity)
            if self._opening.is_open:
                now_s = self._clock.monotonic()
                for sensor in new:
                    sensor.revive(now_s)

    def _poll(self) -> None:
        now_s = self._clock.monotonic()
        failed: list[tuple[PolledSensor, MeasurementError]] = []
        for sensor in self._roster.polled:
            if sensor.schedule.from_s > now_s:
                continue
            error = sensor.serve(now_s)
            self.progress += 1  # the time limits of many dead slaves may fall into one turn
            if self._is_stopping:
                break  # what a stop cut short has not failed
            if error is not None:
                failed.append((sensor, error))
                if isinstance(error, BusMissing | BusStuck):
                    break
        if failed:
            self._settle(failed)

    def _listen(self, line: SerialLine) -> None:
        wait_s = min(self._next_s - self._clock.monotonic(), LONGEST_TURN_S)
        try:
            data = line.read(max(wait_s, 0.0))
        except WireError as error:
            self._opening.lose(error)
            self._interrupt(error.code, str(error))
            return
        now_s = self._clock.monotonic()
        stamp = self._clock.stamp()
        for talker in self._roster.talkers:
            if data:
                talker.heard(data, stamp, now_s)
            if talker.schedule.from_s <= now_s:
                talker.serve(now_s, stamp)

    def _settle(self, failed: Sequence[tuple[PolledSensor, MeasurementError]]) -> None:
        """Polls have failed: find out whether the bus is to blame, and tell."""
        worst = failed[-1][1]
        if isinstance(worst, BusMissing):
            self._opening.lose(worst)
            self._interrupt(worst.code, str(worst))
            return
        is_stuck = isinstance(worst, BusStuck) or (
            isinstance(self._bus, I2cBus)
            and is_bus_to_blame(
                [sensor.wire for sensor in self._roster.polled],
                worst,
                since_s=self._opening.opened_s,
                longest_interval_s=self._roster.longest_interval_s,
                is_known=bool(self._stuck_reason),
            )
        )
        if is_stuck:
            reason = f"the bus {self._bus.name} is stuck: no sensor on it can be read; check its wiring and supply"
            if not self._stuck_reason:
                self._stuck_reason = reason
                self._log.warning("bus_stuck", bus=self._bus.name, reason=reason, error=str(worst))
            self._opening.lose()
            self._interrupt(FailureCode.BUS_STUCK, reason)
            return
        for sensor, error in failed:
            if self._stuck_reason and sensor.wire.unheard_polls:
                # The bus was opened again to see whether any sensor answers, and that is still open.
                sensor.interrupt(FailureCode.BUS_STUCK, self._stuck_reason, self._clock.stamp())
            else:
                sensor.fail(error)

    def _is_opened(self) -> bool:
        """Whether the bus is open; it is opened if it is time for that, and given up where somebody asks for it."""
        loan = self.loan
        if loan.is_asked:
            if not loan.is_lent:
                self._roster.rest()
                self._opening.rest()
                loan.is_lent = True
            return False
        if self._opening.is_open:
            return True
        if not loan.is_lent and self._clock.monotonic() < self._opening.at_s:
            return False
        loan.is_lent = False
        error = self._opening.open()
        if error is not None:
            self._interrupt(FailureCode.MISSING, str(error))
            return False
        self._is_proven = False
        now_s = self._clock.monotonic()
        for sensor in self._roster.sensors:
            sensor.revive(now_s)
        return True

    def _prove(self) -> None:
        """See whether any sensor has answered since the bus was opened: then it works."""
        if not any(sensor.wire.answered_s >= self._opening.opened_s for sensor in self._roster.sensors):
            return
        self._is_proven = True
        self._opening.prove()
        if self._stuck_reason:
            self._stuck_reason = ""
            self._log.info("bus_recovered", bus=self._bus.name)
            now_s = self._clock.monotonic()
            for sensor in self._roster.polled:
                if sensor.schedule.is_suspended:
                    sensor.revive(now_s)

    def _interrupt(self, code: FailureCode, reason: str) -> None:
        stamp = self._clock.stamp()
        for sensor in self._roster.sensors:
            sensor.interrupt(code, reason, stamp)

    def _until_next(self, uptime_ms: int) -> float:
        now_s = self._clock.monotonic()
        bell_ms = self._news.bell_ms()
        bell_s = float("inf") if bell_ms is None else now_s + (bell_ms - uptime_ms) / 1000
        moments: Sequence[Moment] = (self._opening,)
        if self._opening.is_open:
            moments = self._roster.schedules
        self._next_s = next_turn(moments, bell_s=bell_s, bell_latest_s=bell_s + self._slack_s)
        if self._is_talking and self._opening.is_open:
            return 0.0
        return max(0.0, min(self._next_s - now_s, LONGEST_TURN_S))
