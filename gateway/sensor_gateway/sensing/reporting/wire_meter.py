"""How busy a wire is, and how often what goes over it fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec

from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.sensing.engine import Transfer

Arguments = ParamSpec("Arguments")

WINDOW_MS: Final = 60_000
_LEAST_MS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The last minute: shares from 0 to 1, None where it is too early, or nothing was transferred."""

    load: float | None
    error_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    uptime_ms: int
    busy_s: float
    transfers: int
    errors: int


class WireMeter:
    """Stands between a driver's run and its bus. ``transfers`` and ``errors`` count since the start.

    A transfer that fails by a MeasurementError is an error, whoever is to blame, and takes its time all the same.
    """

    __slots__ = ("_busy_s", "_marks", "_monotonic", "errors", "transfers")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """``monotonic`` is the clock by which the bus waits."""
        self.transfers = 0
        self.errors = 0
        self._busy_s = 0.0
        self._monotonic = monotonic
        self._marks: deque[_Mark] = deque()

    def transfer(self, call: Transfer) -> Transfer:
        """The same call, measured."""
        monotonic = self._monotonic

        def measured(address: int, data: bytes, count: int) -> bytes:
            # Everything in place: this runs in each transfer, and a call would double what it costs.
            self.transfers += 1
            began_s = monotonic()
            try:
                answer = call(address, data, count)
            except MeasurementError:
                self.errors += 1
                self._busy_s += monotonic() - began_s
                raise
            self._busy_s += monotonic() - began_s
            return answer

        return measured

    def measured(self, call: Callable[Arguments, bytes]) -> Callable[Arguments, bytes]:
        """The same call, to a line or a device, measured.

        The wait for an answer is part of a transfer: nobody else can use the line.
        """

        def measured(*arguments: Arguments.args, **named: Arguments.kwargs) -> bytes:
            began_s = self._monotonic()
            try:
                return call(*arguments, **named)
            except MeasurementError:
                self.errors += 1
                raise
            finally:
                self.transfers += 1
                self._busy_s += self._monotonic() - began_s

        return measured

    def rates(self, uptime_ms: int) -> Rates:
        """Of the time since the oldest of the calls of ``rates`` in the last minute, or the one just before it."""
        marks = self._marks
        now = _Mark(uptime_ms=uptime_ms, busy_s=self._busy_s, transfers=self.transfers, errors=self.errors)
        while len(marks) > 1 and marks[1].uptime_ms <= uptime_ms - WINDOW_MS:
            marks.popleft()
        marks.append(now)
        then = marks[0]
        over_ms = uptime_ms - then.uptime_ms
        if over_ms < _LEAST_MS:
            return Rates(load=None, error_rate=None)
        transfers = now.transfers - then.transfers
        return Rates(
            load=min((now.busy_s - then.busy_s) * 1000 / over_ms, 1.0),
            error_rate=(now.errors - then.errors) / transfers if transfers else None,
        )
