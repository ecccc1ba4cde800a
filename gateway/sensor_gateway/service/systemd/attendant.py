"""Keeps the service manager informed, from the main thread, in the turns that supervision takes anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.bus_report import BusReport
from sensor_gateway.model.vitals.gateway_health import Health
from sensor_gateway.service.bus_keeper import Life
from sensor_gateway.service.systemd.notification import Notifier
from sensor_gateway.service.systemd.status_line import status_line
from sensor_gateway.service.systemd.vigil import Vigil

READY_WITHIN_S: Final = 15.0
"""A bus that hangs as it is opened is told of, and keeps nobody waiting for longer."""

SHORTEST_WATCHDOG_S: Final = 30.0
"""A bus without anything to do takes a turn every 10 s."""

_START_LOOK_S: Final = 0.05
_NO_HURRY_S: Final = float("inf")


class AttendedBus(Protocol):
    """What is looked at of a bus."""

    life: Life | None

    @property
    def report(self) -> BusReport | None:
        """None before the first turn was made."""
        ...


class AttendedGateway(Protocol):
    """What is looked at of a gateway that runs."""

    @property
    def turns(self) -> int:
        """How many turns the publisher has made."""
        ...

    @property
    def buses(self) -> Sequence[AttendedBus]:
        """The buses that are served now."""
        ...

    @property
    def health(self) -> Health | None:
        """The newest value; None where none is made."""
        ...

    @property
    def configuration(self) -> str:
        """Why it runs by something else than its file; empty where it does not. Known before ``health`` says it."""
        ...


class Attendant:
    """Tells READY once everybody has made a turn, WATCHDOG while they go on, STATUS when it changes.

    ``complaint``: who stands still, where the service manager is about to end the gateway for it; else empty.
    """

    def __init__(
        self,
        notifier: Notifier,
        gateway: AttendedGateway,
        *,
        watchdog_s: float | None,
        log: Log,
    ) -> None:
        """Nothing is told yet."""
        self._notifier = notifier
        self._gateway = gateway
        self._watchdog_s = watchdog_s
        self._vigil = Vigil()
        self._began_s: float | None = None
        self._is_ready = False
        self._pinged_s = float("-inf")
        self._missed_s: float | None = None
        self.complaint = ""
        self._said = ""
        if watchdog_s is not None and watchdog_s < SHORTEST_WATCHDOG_S:
            mind = f"set WatchdogSec= to {SHORTEST_WATCHDOG_S:.0f} or more: a bus with little to do moves every 10 s"
            log.warning("watchdog_too_short", seconds=watchdog_s, mind=mind)

    def turn(self, now_s: float) -> float:
        """Tell what there is to tell; the longest time until this is wanted again."""
        if not self._notifier.is_heard:
            return _NO_HURRY_S
        if not self._is_ready and not self._has_begun(now_s):
            return _START_LOOK_S
        states = [] if self._is_ready else ["READY=1"]
        self._is_ready = True
        line = self._line()
        if line != self._said:
            self._said = line
            states.append(f"STATUS={line}")
        if self._is_sign_due(now_s):
            states += self._sign(now_s)
        if states:
            self._notifier.tell(*states)
        return _NO_HURRY_S if self._watchdog_s is None else self._watchdog_s / 4

    def reloading(self) -> None:
        """The configuration is read anew. During the start it is not told: the end of it would be taken for READY."""
        self._said = ""
        if self._is_ready:
            self._notifier.tell_reloading()

    def reloaded(self) -> None:
        """That is over, however it ended; the next turn says how it is now."""
        if self._is_ready:
            self._notifier.tell("READY=1", f"STATUS={self._line()}")

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self._notifier.tell("STOPPING=1", f"STATUS={status}")

    def _has_begun(self, now_s: float) -> bool:
        """Whether everybody has made a turn, or time is up."""
        self._began_s = now_s if self._began_s is None else self._began_s
        is_moving = self._gateway.turns > 0 and all(bus.report is not None for bus in self._gateway.buses)
        return is_moving or now_s - self._began_s >= READY_WITHIN_S

    def _sign(self, now_s: float) -> list[str]:
        """A sign of life, which was due a third of the time after the last; a complaint after two thirds."""
        fault = self._vigil.fault(self._gateway.turns, self._bus_turns())
        if not fault:
            self._pinged_s, self._missed_s, self.complaint = now_s, None, ""
            return ["WATCHDOG=1"]
        self._missed_s = now_s if self._missed_s is None else self._missed_s
        if self._watchdog_s is not None and now_s - self._missed_s >= self._watchdog_s / 3:
            self.complaint = f"{fault}, and the watchdog was not told that all is well"
        return []

    def _is_sign_due(self, now_s: float) -> bool:
        return self._watchdog_s is not None and now_s - self._pinged_s >= self._watchdog_s / 3

    def _bus_turns(self) -> dict[str, int]:
        return {bus.life.thread.name: bus.life.runner.progress for bus in self._gateway.buses if bus.life is not None}

    def _line(self) -> str:
        health = self._gateway.health
        alarm = self._gateway.configuration.partition("; ")[0]
        if health is None:
            return alarm or "running"
        return status_line(health, alarm=alarm)
