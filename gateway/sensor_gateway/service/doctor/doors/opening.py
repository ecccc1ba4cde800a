"""Opens the buses of a configuration for a moment, to see whether that can be done. Nothing is measured or sent."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sensor_gateway.config.sections.buses import BusSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import GatewayError, OperatorError
from sensor_gateway.sensing.bus import Bus
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.buses import make_bus

_IN_USE: Final = (errno.EAGAIN, errno.EBUSY)
"""By the daemon, most likely: then the bus is there, and may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBus:
    """A bus that sensors use, and these sensors."""

    name: str
    section: BusSection
    plans: tuple[SensorPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What came of it: an open bus, or None and why.

    ``is_used``: something else has it open. ``is_made``: no for one in software of which a file or a model is wrong.
    """

    bus: Bus | None
    why: str = ""
    is_used: bool = False
    is_made: bool = True


def used_buses(configuration: Configuration, plans: Sequence[SensorPlan]) -> Iterator[UsedBus]:
    """Those of a configuration that a sensor uses, as they are written."""
    for name, section in configuration.buses.items():
        on_it = tuple(plan for plan in plans if configuration.sensors[plan.name].bus == name)
        if on_it:
            yield UsedBus(name=name, section=section, plans=on_it)


@contextmanager
def opened(used: UsedBus, clock: Clock) -> Iterator[Opening]:
    """Try to open it; it is closed at the end."""
    try:
        bus = make_bus(used.name, used.section, used.plans, clock)
    except (OperatorError, ValueError, KeyError) as error:
        yield Opening(bus=None, why=f"it cannot be made: {error}", is_made=False)
        return
    try:
        yield _tried(bus)
    finally:
        bus.close()


def _tried(bus: Bus) -> Opening:
    try:
        bus.open()
    except GatewayError as error:
        cause = error.__cause__
        return Opening(bus=None, why=str(error), is_used=isinstance(cause, OSError) and cause.errno in _IN_USE)
    return Opening(bus=bus)
