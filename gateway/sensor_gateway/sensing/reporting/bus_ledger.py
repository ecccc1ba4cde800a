"""Makes the report of one bus, now and then: what its meter and its sensors have counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from sensor_gateway.model.reading import Stamp
from sensor_gateway.model.vitals.bus_report import BusReport, BusState, SensorTally
from sensor_gateway.sensing.reporting.wire_meter import Rates, WireMeter

REPORT_EVERY_MS: Final = 10_000
"""A report is a turn's by-work: it never asks for a turn, so that it may come later than this."""

_DIGITS: Final = 4


class CountedAccount(Protocol):
    """What is asked of a sensor's account."""

    failures: int
    last_good: Stamp | None


class CountedSensor(Protocol):
    """What is asked of a sensor."""

    polls: int

    @property
    def account(self) -> CountedAccount:
        """What became of its measurements."""
        ...


class CrewCounters(Protocol):
    """What is asked of all together: deadlines missed, and news that found no room."""

    @property
    def missed(self) -> int:
        """Since the bus was opened."""
        ...

    @property
    def refused(self) -> int:
        """Since the bus was opened."""
        ...


class Crew(Protocol):
    """The sensors of a bus, whoever is on it now."""

    @property
    def named(self) -> Iterable[tuple[str, CountedSensor]]:
        """All of them, each with its name."""
        ...

    @property
    def counters(self) -> CrewCounters:
        """What all of them have counted, those too that have left."""
        ...


class BusLedger:
    """The report of one bus. ``due_ms`` is when the next one is wanted, in milliseconds since boot."""

    def __init__(self, bus: str, *, meter: WireMeter | None, crew: Crew) -> None:
        """``meter`` is None on the line of a stream, where nobody can tell what is busy."""
        self.due_ms = 0
        self._bus = bus
        self._meter = meter
        self._crew = crew

    def report(self, uptime_ms: int) -> BusReport:
        """The bus as it is now; the next report is due in REPORT_EVERY_MS."""
        self.due_ms = uptime_ms + REPORT_EVERY_MS
        meter, counters = self._meter, self._crew.counters
        rates = Rates(load=None, error_rate=None) if meter is None else meter.rates(uptime_ms)
        return BusReport(
            bus=self._bus,
            state=BusState.ALIVE,
            load=_rounded(rates.load),
            error_rate=_rounded(rates.error_rate),
            transfers=0 if meter is None else meter.transfers,
            errors=0 if meter is None else meter.errors,
            missed=counters.missed,
            put_off=counters.refused,
            sensors=tuple(
                SensorTally(
                    sensor=name,
                    polls=sensor.polls,
                    failures=sensor.account.failures,
                    last_good=sensor.account.last_good,
                )
                for name, sensor in self._crew.named
            ),
        )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, _DIGITS)
