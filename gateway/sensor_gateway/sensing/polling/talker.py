"""One sensor that talks by itself: what it says, and what its silence means.

Its ``interval`` is how often it is expected to speak. Nothing for three of them is a failed poll; so are bytes
that make no measurement in that time, which is how a wrong baud rate looks. A channel that stays away by itself fails
by itself.
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.driver_spec import Values
from sensor_gateway.model.errors import BadFrame, MeasurementError, NoAnswer
from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.sensing.driver_fault import DriverFault
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.polling.account import SensorAccount
from sensor_gateway.sensing.polling.back_off import BackOff
from sensor_gateway.sensing.polling.schedule import Schedule
from sensor_gateway.sensing.polling.stuck import WireRecord
from sensor_gateway.sensing.stream_run import StreamRun

SILENT_INTERVALS: Final = 3


class TalkingSensor:
    """One sensor of a serial stream. Its ``schedule`` says when its silence will have been long enough.

    ``polls`` counts its measurements, ``damaged`` the frames that came in bad.
    """

    __slots__ = (
        "_back_off",
        "_bytes",
        "_damaged",
        "_deaf_until_s",
        "_heard_s",
        "_names",
        "_run",
        "_silence_s",
        "account",
        "damaged",
        "polls",
        "schedule",
        "wire",
    )

    def __init__(self, plan: SensorPlan, run: StreamRun, account: SensorAccount) -> None:
        """``revive`` is expected once its line is open."""
        published = [channel.source.channel.name for channel in plan.channels if channel.is_published]
        self.account = account
        self.schedule = Schedule(interval_s=plan.interval_s, slack_s=0.0)
        self.wire = WireRecord()
        self.polls = 0
        self.damaged = 0
        self._run = run
        self._names = published or [channel.source.channel.name for channel in plan.channels]
        self._silence_s = SILENT_INTERVALS * plan.interval_s
        self._heard_s: dict[str, float] = {}
        self._bytes = 0
        self._damaged = 0
        self._deaf_until_s = float("-inf")
        self._back_off = BackOff()

    def heard(self, data: bytes, stamp: Stamp, now_s: float) -> None:
        """Bytes came in."""
        if now_s < self._deaf_until_s:
            return
        self._bytes += len(data)
        for item in self._run.feed(data):
            if not isinstance(item, MeasurementError):
                self._measured(item, stamp, now_s)
            elif isinstance(item, DriverFault):
                self._broken(item, stamp, now_s)
            else:
                self.damaged += 1
                self._damaged += 1

    def serve(self, now_s: float, stamp: Stamp) -> None:
        """See who has been silent for too long."""
        limit_s = now_s - self._silence_s
        silent = [name for name, heard_s in self._heard_s.items() if heard_s <= limit_s]
        for name in silent:
            del self._heard_s[name]
        if not self._heard_s:
            self._fell_silent(stamp)
            self.schedule.put_off(now_s + self._silence_s)
            return
        for name in silent:
            self.account.silent(name, f"no {name} came for {self._silence_s:g} s, while others did", stamp)
        self.schedule.put_off(min(self._heard_s.values()) + self._silence_s)

    def interrupt(self, code: FailureCode, reason: str, stamp: Stamp) -> None:
        """The line is gone: tell why, and wait for ``revive``."""
        self.account.interrupted(code, reason, stamp)
        self.schedule.suspend()

    def revive(self, now_s: float) -> None:
        """The line is open: listen anew."""
        self._run.reset()
        self._bytes = self._damaged = 0
        self._heard_s = dict.fromkeys(self._names, now_s)
        self.schedule.put_off(now_s + self._silence_s)

    def _measured(self, values: Values, stamp: Stamp, now_s: float) -> None:
        self.polls += 1
        self.wire.answered(now_s)
        self._bytes = self._damaged = 0
        self._back_off.reset()
        self.account.measured(values, stamp)
        if not self._heard_s:  # it speaks again: every channel is expected anew
            self._heard_s = dict.fromkeys(self._names, now_s)
        heard_s = self._heard_s
        for name in values:
            heard_s[name] = now_s
        self.schedule.put_off(min(heard_s.values()) + self._silence_s)

    def _fell_silent(self, stamp: Stamp) -> None:
        error: MeasurementError = NoAnswer(f"nothing came for {self._silence_s:g} s: check power and wiring")
        if self._bytes:
            error = BadFrame(
                f"{self._bytes} bytes came in {self._silence_s:g} s and no measurement among them "
                f"({self._damaged} damaged ones): check the baud rate, the parity and the driver"
            )
            self._bytes = self._damaged = 0
        self.account.failed(error, stamp)

    def _broken(self, fault: DriverFault, stamp: Stamp, now_s: float) -> None:
        self.account.failed(fault, stamp)
        self._heard_s.clear()
        self._deaf_until_s = now_s + self._back_off.next_s()
        self.schedule.put_off(self._deaf_until_s + self._silence_s)
