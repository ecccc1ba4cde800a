"""Tells the operator once that something stopped working, and once that it works again; and when to try again."""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.log import Log

RETRY_S: Final = 30.0
FIRST_RETRY_S: Final = 1.0


class Alarm:
    """One thing that can fail. ``is_raised`` says whether it has."""

    def __init__(self, log: Log, name: str) -> None:
        """``name`` begins both log events: ``<name>_failed`` and ``<name>_recovered``."""
        self._log = log
        self._name = name
        self.is_raised = False

    def raise_for(self, **facts: object) -> None:
        """It fails. Said once, until it recovers."""
        if not self.is_raised:
            self.is_raised = True
            self._log.error(f"{self._name}_failed", **facts)

    def clear(self) -> None:
        """It works."""
        if self.is_raised:
            self.is_raised = False
            self._log.info(f"{self._name}_recovered")


class Retry:
    """Something that is tried again after a second, then every half minute, with an alarm until it works.

    ``at_s`` is when the next try may be, on the monotonic clock. What failed in one job is cleared by that job.
    """

    def __init__(self, alarm: Alarm) -> None:
        """Nothing has failed yet."""
        self._alarm = alarm
        self._job = ""
        self._failures = 0
        self.at_s = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def may_try(self, now_s: float) -> bool:
        """Whether it is time."""
        return now_s >= self.at_s

    def holds_back(self, job: str, now_s: float) -> bool:
        """Whether it was this job that failed, and it is not time yet; what fails otherwise need not stop it."""
        return self._job == job and not self.may_try(now_s)

    def failed(self, job: str, error: OSError, now_s: float) -> None:
        """A try failed."""
        self._failures += 1
        self._job = job
        self.at_s = now_s + (FIRST_RETRY_S if self._failures == 1 else RETRY_S)
        self._alarm.raise_for(error=str(error))

    def hurry(self) -> None:
        """Do not wait for the next try."""
        self.at_s = 0.0

    def worked(self, job: str) -> None:
        """A job was done."""
        if job == self._job:
            self.recovered()

    def recovered(self) -> None:
        """Everything works again."""
        self._failures = 0
        self.at_s = 0.0
        self._alarm.clear()
