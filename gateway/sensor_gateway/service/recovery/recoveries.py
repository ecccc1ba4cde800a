"""The recover commands of all buses, as the daemon has them: begun, looked after and ended by the main thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from sensor_gateway.config.sections.buses import (
    BusSection,
    I2cBusSection,
    ModbusTcpBusSection,
    SerialBusSection,
    TcpBusSection,
)
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.gateway_health import RecoveryCondition
from sensor_gateway.sensing.polling.loan import Loan
from sensor_gateway.service.configuration.setup import BusSetup
from sensor_gateway.service.health.silence import Hearing
from sensor_gateway.service.recovery.program import Program
from sensor_gateway.service.recovery.recovery import LOOK_EVERY_S, Recovery

_GONE_WITHIN_S: Final = 0.3
"""What was killed is gone by then, unless the kernel does not let go of it: then it is left behind."""

_PAUSE_S: Final = 0.01


class Lender(Protocol):
    """A bus that is served, and may be given up for a while."""

    @property
    def name(self) -> str:
        """As in the configuration."""
        ...

    @property
    def loan(self) -> Loan | None:
        """Where to ask for it; None where nobody serves it, or its thread hangs."""
        ...


class Recoveries:
    """``conditions`` are for any thread, by the names of buses that have a recover command; the rest for the main one.

    A reload that changes or removes a command kills it where it runs; what was counted of its bus stays.
    """

    def __init__(
        self,
        *,
        hearings: Callable[[], Mapping[str, Hearing]],
        buses: Callable[[], Sequence[Lender]],
        clock: Clock,
        log: Log,
    ) -> None:
        """No bus has one yet. ``hearings`` tells what comes from each bus, as far as that is known."""
        self.conditions: Mapping[str, RecoveryCondition] = MappingProxyType({})
        self._hearings = hearings
        self._buses = buses
        self._clock = clock
        self._log = log
        self._recoveries: dict[str, Recovery] = {}
        self._leaving: list[Program] = []

    def change(self, buses: Mapping[str, BusSetup]) -> None:
        """These buses are served from now on."""
        wanted = {name: bus.section for name, bus in buses.items() if bus.section.recover is not None}
        before, self._recoveries = self._recoveries, {}
        for name, recovery in before.items():
            section = wanted.get(name)
            if section is not None and (section.recover, _facts(name, section)) == (recovery.rule, recovery.facts):
                self._recoveries[name] = recovery
            elif (program := recovery.dismiss()) is not None:
                self._leaving.append(program)
        for name, section in wanted.items():
            if section.recover is not None and name not in self._recoveries:
                self._recoveries[name] = Recovery(
                    name,
                    section.recover,
                    _facts(name, section),
                    clock=self._clock,
                    log=self._log,
                    before=before.get(name),
                )
        self._tell()

    def turn(self) -> float:
        """Look once after all of them; seconds until the next look is wanted."""
        wait_s = LOOK_EVERY_S
        if self._leaving:
            now_s = self._clock.monotonic()
            self._leaving = [program for program in self._leaving if program.look(now_s) is None]
        if self._recoveries:
            hearings = self._hearings()
            loans = {bus.name: bus.loan for bus in self._buses()}
            for name, recovery in self._recoveries.items():
                wait_s = min(wait_s, recovery.turn(hearings.get(name, Hearing.UNCLEAR), loans.get(name)))
            self._tell()
        return wait_s

    def stop(self) -> None:
        """Ask what runs to end; ``close`` follows."""
        for recovery in self._recoveries.values():
            recovery.stop()

    def close(self, *, within_s: float = _GONE_WITHIN_S) -> None:
        """Kill what runs still, and wait a moment until it is gone, but never longer than ``within_s``."""
        for recovery in self._recoveries.values():
            if (program := recovery.dismiss()) is not None:
                self._leaving.append(program)
        pause, until_s = threading.Event(), self._clock.monotonic() + min(within_s, _GONE_WITHIN_S)
        while True:
            now_s = self._clock.monotonic()
            self._leaving = [program for program in self._leaving if program.look(now_s) is None]
            if not self._leaving or now_s >= until_s:
                return
            pause.wait(_PAUSE_S)

    def _tell(self) -> None:
        conditions = {name: recovery.condition for name, recovery in self._recoveries.items()}
        if conditions != self.conditions:
            self.conditions = MappingProxyType(conditions)


def _facts(name: str, section: BusSection) -> dict[str, str]:
    """What a command is told of its bus, in its environment."""
    device = ""
    if isinstance(section, I2cBusSection):
        device = str(section.path)
    elif isinstance(section, SerialBusSection):
        device = str(section.port)
    elif isinstance(section, TcpBusSection | ModbusTcpBusSection):
        device = f"{section.host}:{section.port}"
    return {"SENSOR_GATEWAY_BUS": name, **({"SENSOR_GATEWAY_DEVICE": device} if device else {})}
