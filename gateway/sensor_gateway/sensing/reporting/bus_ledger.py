"""Makes the report of one bus, now and then: what its meter has counted, and its sensors."""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.vitals.bus_report import BusReport, BusState, SensorTally
from sensor_gateway.sensing.reporting.wire_meter import Rates, WireMeter

REPORT_EVERY_MS: Final = 10_000
"""A report is a turn's by-work: it never asks for a turn, so that it may come later than this."""

_DIGITS: Final = 4


class BusLedger:
    """The report of one bus. ``due_ms`` is when the next one is wanted, in milliseconds since boot."""

    def __init__(self, bus: str, *, meter: WireMeter | None) -> None:
        """``meter`` is None on the line of a stream, where nobody can tell what is busy."""
        self.due_ms = 0
        self._bus = bus
        self._meter = meter

    def report(self, uptime_ms: int, *, missed: int, put_off: int, sensors: tuple[SensorTally, ...]) -> BusReport:
        """The bus as it is now; the next report is due in REPORT_EVERY_MS.

        All sensors together have ``missed`` deadlines, and ``put_off`` news that found no room, since the start.
        """
        self.due_ms = uptime_ms + REPORT_EVERY_MS
        meter = self._meter
        rates = Rates(load=None, error_rate=None) if meter is None else meter.rates(uptime_ms)
        return BusReport(
            bus=self._bus,
            state=BusState.ALIVE,
            load=_rounded(rates.load),
            error_rate=_rounded(rates.error_rate),
            transfers=0 if meter is None else meter.transfers,
            errors=0 if meter is None else meter.errors,
            missed=missed,
            put_off=put_off,
            sensors=sensors,
        )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, _DIGITS)
