"""What a scenario says: the values of channels over time, and what goes wrong when. Read from text by scenario_text.

Times are seconds since the simulation began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from sensor_gateway.model.units import Seconds
from sensor_gateway.simulation.chips.chip import Course

BEGINNING: Final = Seconds(0.0)
FOREVER: Final = Seconds(float("inf"))


class FaultKind(StrEnum):
    """What can go wrong on a wire (``clock_jump``: with the wall clock)."""

    NACK = "nack"
    CRC = "crc"
    STUCK = "stuck"
    SHORT = "short"
    SILENCE = "silence"
    UNPLUG = "unplug"
    DELAY = "delay"
    CLOCK_JUMP = "clock_jump"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFault:
    """One thing that goes wrong between ``from_s`` and ``until_s``, with every ``every``-th transaction.

    Exactly one of ``sensor`` and ``bus`` is named. ``by_s`` is how long a ``delay`` is.
    """

    kind: FaultKind
    sensor: str | None = None
    bus: str | None = None
    from_s: Seconds = BEGINNING
    until_s: Seconds = FOREVER
    every: int = 1
    by_s: Seconds = BEGINNING

    def is_due(self, at_s: float) -> bool:
        """Whether ``at_s`` lies within the fault's time."""
        return self.from_s <= at_s < self.until_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """The wall clock is set forward at ``at_s``, or back where ``by_s`` is negative."""

    at_s: Seconds
    by_s: Seconds


@dataclass(frozen=True, slots=True)
class WrittenCourse:
    """Values at moments; between them straight lines, or steps. The first holds before, the last one after."""

    moments: tuple[float, ...]
    values: tuple[float, ...]
    is_stepped: bool

    def __call__(self, at_s: float) -> float:
        """The value at ``at_s``."""
        after = bisect_right(self.moments, at_s)
        if after == 0:
            return self.values[0]
        if self.is_stepped or after == len(self.moments):
            return self.values[after - 1]
        start, end = self.moments[after - 1], self.moments[after]
        share = (at_s - start) / (end - start)
        return self.values[after - 1] + share * (self.values[after] - self.values[after - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that a scenario file says. ``courses`` is keyed by ``sensor.channel``."""

    courses: Mapping[str, WrittenCourse] = field(default_factory=dict)
    faults: tuple[LinkFault, ...] = ()
    clock_jumps: tuple[ClockJump, ...] = ()

    def course(self, sensor: str, channel: str) -> Course | None:
        """What is written for a channel; None where its wave goes on."""
        return self.courses.get(f"{sensor}.{channel}")

    def without(self, sensors: Collection[str]) -> Scenario:
        """The same without what is said of ``sensors``."""
        courses = {name: course for name, course in self.courses.items() if name.partition(".")[0] not in sensors}
        faults = tuple(fault for fault in self.faults if fault.sensor is None or fault.sensor not in sensors)
        return replace(self, courses=courses, faults=faults)

    def strangers(self, *, channels: Collection[str], buses: Collection[str]) -> tuple[str, ...]:
        """A sentence for each name in the scenario that is not configured; ``channels`` are ``sensor.channel``."""
        sensors = {channel.partition(".")[0] for channel in channels}
        return (
            *(f"values.{name}: no such channel is configured" for name in self.courses if name not in channels),
            *(
                f"faults: no sensor {fault.sensor} is configured"
                for fault in self.faults
                if fault.sensor is not None and fault.sensor not in sensors
            ),
            *(
                f"faults: no bus {fault.bus} is configured"
                for fault in self.faults
                if fault.bus is not None and fault.bus not in buses
            ),
        )
