"""Which source is asked, by the name that the configuration has for it (``clock.source``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sensor_gateway.service.time_sources.chrony import Chrony
from sensor_gateway.service.time_sources.finding import Finding, TimeSource
from sensor_gateway.service.time_sources.kernel_clock import KernelClock
from sensor_gateway.service.time_sources.rtc import Rtc
from sensor_gateway.service.time_sources.timesyncd import Timesyncd


class Assumed:
    """Somebody else answers for the clock: the operator says so."""

    def look(self, wall_ms: int) -> Finding:  # noqa: ARG002 (whatever it shows)
        """Set."""
        return Finding(is_set=True, why="clock.source says that the clock is always right")


class Automatic:
    """systemd-timesyncd where it runs, else chronyd where it answers; unknown where there is neither."""

    def __init__(self, timesyncd: Timesyncd, chrony: Chrony) -> None:
        """Ask these, in this order."""
        self._timesyncd = timesyncd
        self._chrony = chrony

    def look(self, wall_ms: int) -> Finding:
        """What the first of them says that is there."""
        if self._timesyncd.is_there:
            return self._timesyncd.look(wall_ms)
        finding = self._chrony.look(wall_ms)
        if finding.is_set is None:
            return Finding(is_set=None, why="neither systemd-timesyncd nor chronyd is here to tell")
        return finding


def _automatic() -> TimeSource:
    return Automatic(Timesyncd(), Chrony())


SOURCES: Final[Mapping[str, Callable[[], TimeSource]]] = {
    "auto": _automatic,
    "timesyncd": Timesyncd,
    "chrony": Chrony,
    "adjtimex": KernelClock,
    "rtc": Rtc,
    "assume": Assumed,
}


def time_source(name: str) -> TimeSource:
    """The source of this name, which is one of ``SOURCES``."""
    return SOURCES[name]()
