"""One polled sensor: the retries inside one poll, and the back-off when a poll has failed.

It decides when its driver goes on; the poller asks it, and owns the bus.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import MeasurementError, NoAnswer, NotReady, OverRange
from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.polling.account import SensorAccount
from sensor_gateway.sensing.polling.back_off import BackOff
from sensor_gateway.sensing.polling.schedule import Schedule
from sensor_gateway.sensing.polling.stuck import WireRecord

MOST_RETRIES: Final = 2
RETRY_PAUSE_S: Final = 0.01
LONGEST_POLL_S: Final = 60.0


class PolledSensor:
    """One sensor on an I2C bus or a line of question and answer. Its ``schedule`` says when it wants a turn."""

    __slots__ = (
        "_back_off",
        "_clock",
        "_due_s",
        "_run",
        "_settled_s",
        "_tries",
        "account",
        "polls",
        "schedule",
        "wire",
    )

    def __init__(
        self,
        run: DriverRun,
        schedule: Schedule,
        account: SensorAccount,
        clock: Clock,
        *,
        settled_s: Callable[[], float] | None = None,
    ) -> None:
        """``settled_s`` is given on a serial line: it tells from when the unit may be asked again."""
        self.account = account
        self.schedule = schedule
        self.wire = WireRecord()
        self.polls = 0
        self._run = run
        self._clock = clock
        self._settled_s = settled_s
        self._back_off = BackOff()
        self._tries = 0
        self._due_s: float | None = None

    def serve(self, now_s: float) -> MeasurementError | None:
        """Begin a poll or go on with it. An error means that the poll has failed: ``fail`` is expected next."""
        if not self.schedule.is_serving:
            self.polls += 1
            self._tries = 0
        self.schedule.serve(now_s)
        try:
            pause_s = self._run.resume()
            if pause_s is None:
                self._measured()
            else:
                self._pause(pause_s)
        except MeasurementError as error:
            return self._stumbled(error)
        return None

    def fail(self, error: MeasurementError) -> None:
        """The poll that ``serve`` gave up has failed: tell, and leave the sensor alone for a while.

        One that was called and came in place of the next try, or lasted until that was due, counts as that try.
        """
        self.account.failed(error, self._clock.stamp())
        now_s = self._clock.monotonic()
        due_s, self._due_s = self._due_s, None
        if due_s is None or due_s <= now_s + self.schedule.slack_s:
            due_s = now_s + self._back_off.next_s()
        self.schedule.put_off(max(due_s, self._asked_again_s()))

    def call(self, now_s: float) -> None:
        """Poll now, or answer with the poll that is under way. While it is left alone, that time stays as it is."""
        schedule = self.schedule
        if self.account.health.failures and not schedule.is_called and not schedule.is_serving:
            self._due_s = schedule.at_s
        self.account.trouble = None
        schedule.call(now_s)

    def interrupt(self, code: FailureCode, reason: str, stamp: Stamp) -> None:
        """The bus is gone: end the poll, tell why, and wait for ``revive``."""
        self._run.abort()
        self._due_s = None
        self.account.interrupted(code, reason, stamp)
        self.schedule.suspend()

    def revive(self, now_s: float) -> None:
        """The bus is back: be due now."""
        self._back_off.reset()
        self.schedule.put_off(now_s)

    def close(self) -> None:
        """End the poll, if there is one."""
        self._run.abort()

    def _measured(self) -> None:
        run = self._run
        values = run.values
        stamp = self._clock.stamp()
        if run.identity is not None:
            self.account.identified(run.identity, stamp)
            run.identity = None
        if self.account.has_power_on and self.account.is_power_on(values):
            run.is_prepared = False
            raise NotReady("the chip answers with the value that it holds before its first conversion")
        if self.account.measured(values, stamp):
            run.is_prepared = False
        self._answered()

    def _answered(self) -> None:
        now_s = self._clock.monotonic()
        self.wire.answered(now_s)
        self._due_s = None
        self._back_off.reset()
        self.schedule.end(now_s)

    def _stumbled(self, error: MeasurementError) -> MeasurementError | None:
        """One try failed: try again, live with it, or give the poll up."""
        if isinstance(error, OverRange):
            self.account.declined(error, self._clock.stamp())
            self._answered()
            return None
        now_s = self._clock.monotonic()
        # A dead slave on a line costs one timeout, not three; and what is known to be dead is tried but once.
        is_worth_it = error.is_transient and not (self._settled_s is not None and isinstance(error, NoAnswer))
        if is_worth_it and self._tries < MOST_RETRIES and not self.account.health.failures:
            self._tries += 1
            ready_s = max(now_s + RETRY_PAUSE_S, self._asked_again_s())
            if ready_s - self.schedule.started_s <= LONGEST_POLL_S:
                self.schedule.wait(ready_s)
                return None
        self.wire.failed(error, now_s)
        self.schedule.suspend()
        return error

    def _pause(self, seconds: float) -> None:
        ready_s = self._clock.monotonic() + seconds
        longest_s = max(LONGEST_POLL_S, self.schedule.interval_s)
        if ready_s - self.schedule.started_s > longest_s:
            self._run.abort()
            raise NoAnswer(f"the poll is not over after {longest_s:g} s")
        self.schedule.wait(ready_s)

    def _asked_again_s(self) -> float:
        return float("-inf") if self._settled_s is None else self._settled_s()
