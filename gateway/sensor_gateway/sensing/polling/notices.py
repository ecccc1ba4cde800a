"""The lines of log that a sensor is worth: found, first values, lost, recovered, driver broken. On change only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sensor_gateway.changes.grid import Grid
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.sensing.driver_fault import DriverFault
from sensor_gateway.sensing.plan import SensorPlan

PAUSE_MS: Final = 60_000
"""A sensor that comes and goes is reported as lost at most this often."""


class Notices:
    """Writes about one sensor. ``is_first`` until its first values were written, ``is_lost`` while it is said to be."""

    __slots__ = ("_broken", "_log", "_lost_ms", "_plan", "is_first", "is_lost")

    def __init__(self, plan: SensorPlan, log: Log) -> None:
        """Write to ``log``; values of the channels to a tenth of their resolution, as in events."""
        self.is_first = True
        self.is_lost = False
        self._plan = plan
        self._log = log
        self._lost_ms: int | None = None
        self._broken = ""

    def identified(self, part: str, note: str) -> None:
        """Another part than before answers: worth a line where it is not what its seller said."""
        if note:
            self._log.info("sensor_identified", sensor=self._plan.name, part=part, note=note)

    def measured(self, values: Mapping[str, float], *, failures: int, is_good: bool) -> None:
        """The sensor measured, after so many failed polls."""
        if self.is_lost:
            self.is_lost = False
            self._log.info("sensor_recovered", sensor=self._plan.name, failures=failures)
        if self.is_first and is_good:
            self.is_first = False
            shown = {name: self._rounded(name, value) for name, value in values.items()}
            self._log.info("sensor_first_reading", sensor=self._plan.name, values=shown)

    def failed(self, code: FailureCode, reason: str) -> None:
        """A poll failed: worth a line only while somebody looks for a fault."""
        self._log.debug("poll_failed", sensor=self._plan.name, code=code.value, reason=reason)

    def lost(self, code: FailureCode, reason: str, stamp: Stamp) -> None:
        """The sensor is offline."""
        now_ms = stamp.uptime_ms
        if not self.is_lost and (self._lost_ms is None or now_ms - self._lost_ms >= PAUSE_MS):
            self._lost_ms = now_ms
            self.is_lost = True
            self._log.warning("sensor_lost", sensor=self._plan.name, code=code.value, reason=reason)

    def broken(self, fault: DriverFault) -> None:
        """Its driver broke the contract: with the traceback, unless it is the last one again."""
        reason = str(fault)
        if reason != self._broken:
            self._broken = reason
            self._log.error("driver_failed", sensor=self._plan.name, reason=reason, exception=fault.trace)

    def _rounded(self, name: str, value: float) -> float:
        channels = (channel.source.channel for channel in self._plan.channels)
        resolution = next((channel.resolution for channel in channels if channel.name == name), None)
        return value if resolution is None else Grid(resolution).rounded(value)
