"""Makes the report of one bus, now and then: what its meter and its sensors have counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sensor_gateway.model.vitals.bus_report import BusReport, BusState, SensorTally
from sensor_gateway.sensing.polling.account import SensorAccount
from sensor_gateway.sensing.polling.schedule import Schedule
from sensor_gateway.sensing.reporting.wire_meter import Rates, WireMeter

REPORT_EVERY_MS: Final = 10_000
"""A report is a turn's by-work: it never asks for a turn, so that it may come later than this."""

_DIGITS: Final = 4


class CountedSensor(Protocol):
    """What is asked of a sensor."""

    polls: int
    account: SensorAccount
    schedule: Schedule


class BusLedger:
    """The report of one bus. ``due_ms`` is when the next one is wanted, in milliseconds since boot."""

    def __init__(
        self, bus: str, *, meter: WireMeter | None, names: Sequence[str], sensors: Sequence[CountedSensor]
    ) -> None:
        """``names`` are those of ``sensors``, in their order.

        ``meter`` is None on the line of a stream, where nobody can tell what is busy.
        """
        self.due_ms = 0
        self._bus = bus
        self._meter = meter
        self._sensors = tuple(zip(names, sensors, strict=True))

    def report(self, uptime_ms: int) -> BusReport:
        """The bus as it is now; the next report is due in REPORT_EVERY_MS."""
        self.due_ms = uptime_ms + REPORT_EVERY_MS
        meter, sensors = self._meter, self._sensors
        rates = Rates(load=None, error_rate=None) if meter is None else meter.rates(uptime_ms)
        return BusReport(
            bus=self._bus,
            state=BusState.ALIVE,
            load=_rounded(rates.load),
            error_rate=_rounded(rates.error_rate),
            transfers=0 if meter is None else meter.transfers,
            errors=0 if meter is None else meter.errors,
            missed=sum(sensor.schedule.missed for _, sensor in sensors),
            put_off=sum(sensor.account.refused for _, sensor in sensors),
            sensors=tuple(
                SensorTally(
                    sensor=name,
                    polls=sensor.polls,
                    failures=sensor.account.failures,
                    last_good=sensor.account.last_good,
                )
                for name, sensor in sensors
            ),
        )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, _DIGITS)
