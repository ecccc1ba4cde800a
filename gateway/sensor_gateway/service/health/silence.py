"""Whether it is a bus that is silent, instead of each of its sensors. Pure, but for ``SilenceLog``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Final

from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.model.vitals.bus_report import BusReport, BusState

_OF_THE_BUS: Final = frozenset({FailureCode.MISSING, FailureCode.BUS_STUCK})
"""Codes that say of themselves that the bus is to blame, if it has one sensor only."""


def silence_of(bus: BusReport, states: Mapping[str, SensorState]) -> str:
    """A sentence when all sensors of a bus are offline, and it has several or its device is gone; else empty."""
    known = [states[tally.sensor] for tally in bus.sensors if tally.sensor in states]
    if not known or bus.state is BusState.HUNG or any(one.state is not Availability.OFFLINE for one in known):
        return ""
    codes, reasons = {one.code for one in known}, {one.reason for one in known}
    if len(known) == 1 and not codes <= _OF_THE_BUS:
        return ""
    who = "its sensor is silent" if len(known) == 1 else f"all its {len(known)} sensors are silent"
    if len(reasons) == 1:
        return f"{who}: {reasons.pop()}"
    return f"{who}: look first at what they share, the wire, its supply, the plug and the adapter"


class Hearing(Enum):
    """What comes from a bus: nothing, a good reading, or neither so that anybody could say."""

    SILENT = auto()
    HEARD = auto()
    UNCLEAR = auto()


def hearing_of(bus: BusReport, states: Mapping[str, SensorState]) -> Hearing:
    """SILENT when all sensors of a bus are offline, a single one too, and their drivers are not to blame.

    HEARD when one of them is online; a bus that hangs is silent whatever is still said of its sensors.
    """
    if bus.state is BusState.HUNG:
        return Hearing.SILENT
    known = [states[tally.sensor] for tally in bus.sensors if tally.sensor in states]
    if any(one.state is Availability.ONLINE for one in known):
        return Hearing.HEARD
    is_silent = known and all(one.state is Availability.OFFLINE for one in known)
    is_of_drivers = all(one.code is FailureCode.DRIVER_ERROR for one in known)
    return Hearing.SILENT if is_silent and not is_of_drivers else Hearing.UNCLEAR


class SilenceLog:
    """Tells of each silence once, and of its end."""

    def __init__(self, log: Log) -> None:
        """All are heard."""
        self._log = log
        self._silent: frozenset[str] = frozenset()

    def note(self, buses: Iterable[BusReport], states: Mapping[str, SensorState]) -> None:
        """This is how they are now."""
        silences = {bus.bus: (bus, sentence) for bus in buses if (sentence := silence_of(bus, states))}
        for name, (bus, sentence) in silences.items():
            if name not in self._silent:
                sensors = [tally.sensor for tally in bus.sensors]
                self._log.error("bus_silent", bus=name, sensors=sensors, reason=sentence)
        for name in sorted(self._silent - silences.keys()):
            self._log.info("bus_heard_again", bus=name)
        self._silent = frozenset(silences)
