"""Who watches the threads. Buses are looked after by their keepers.

A publisher that hangs or ended cannot be replaced, since it owns the outbox: the process must end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.service.bus_keeper import LOOK_EVERY_S, BusKeeper, BusPlan, Life, Runner

PUBLISHER_HUNG_AFTER_S: Final = 120.0
_BUSES_END_WITHIN_S: Final = 1.0
"""All together: the rest of the time for a stop is the publisher's, which has a goodbye to say."""


class PublisherHung(Exception):
    """The publisher makes no progress, or is gone. Only a new process can help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusChanges:
    """What becomes of the buses: each one in one of four ways, or untouched.

    ``removed`` are names; ``changed`` buses stay open and get other sensors, ``renewed`` ones are opened anew.
    ``silenced`` are the sensors that leave a bus, by its name. ``number`` rises from change to change.
    """

    number: int
    removed: tuple[str, ...] = ()
    silenced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changed: tuple[BusPlan, ...] = ()
    renewed: tuple[BusPlan, ...] = ()
    added: tuple[BusPlan, ...] = ()


class Supervisor:
    """Starts and stops the threads, and looks after them every LOOK_EVERY_S seconds."""

    def __init__(
        self,
        *,
        publisher: Runner,
        buses: Sequence[BusKeeper],
        clock: Clock,
        log: Log,
        keep: Callable[[BusPlan], BusKeeper] | None = None,
    ) -> None:
        """Look after these; the caller's thread is the supervising one. ``keep`` makes the keeper of one more bus."""
        self._publisher = publisher
        self.buses = tuple(buses)
        self._keep = keep
        self._clock = clock
        self._log = log
        self._publishing: Life | None = None

    def start(self) -> None:
        """Start every thread, the publisher first."""
        now_s = self._clock.monotonic()
        self._publishing = Life("publisher", self._publisher, now_s)
        self._publishing.thread.start()
        for bus in self.buses:
            bus.start(now_s)

    def step(self) -> float:
        """Look once; seconds until the next look is wanted. PublisherHung when the process must end."""
        if self._publishing is not None:
            silent_s = self._publishing.silent_s(self._clock.monotonic())
            if not self._publishing.thread.is_alive():
                raise PublisherHung("the publisher's thread has ended")
            if silent_s >= PUBLISHER_HUNG_AFTER_S:
                raise PublisherHung(f"the publisher has made no progress for {silent_s:.0f} s")
        for bus in self.buses:
            bus.look(self._clock, self._log)
        return LOOK_EVERY_S

    def withdraw(self, changes: BusChanges) -> None:
        """The first half of a change: what has to go says no more, and its buses are let go of."""
        for bus in self.buses:
            if bus.plan.name in changes.removed:
                bus.retire()
            elif bus.plan.name in changes.silenced:
                bus.silence(changes.silenced[bus.plan.name], changes.number)

    def install(self, changes: BusChanges) -> None:
        """The other half: what has come is served. Untouched buses notice nothing."""
        changed = {plan.name: plan for plan in changes.changed}
        renewed = {plan.name: plan for plan in changes.renewed}
        going = [bus for bus in self.buses if bus.plan.name in (*changes.removed, *renewed)]
        for bus in self.buses:
            if bus.plan.name in changed:
                bus.change(changed[bus.plan.name], changes.number, self._clock)
            elif bus.plan.name in renewed:
                bus.renew(renewed[bus.plan.name], self._clock)
        self._join([bus.life for bus in going if bus.life is not None])
        now_s = self._clock.monotonic()
        for bus in going:
            if bus.plan.name in renewed:
                bus.look(self._clock, self._log)
        new = [] if self._keep is None else [self._keep(plan) for plan in changes.added]
        self.buses = (*(bus for bus in self.buses if bus.plan.name not in changes.removed), *new)
        for bus in new:
            bus.start(now_s)

    def stop(self, timeout_s: float) -> bool:
        """Stop measuring, then publish what was measured and say goodbye; False when it took too long."""
        began_s = self._clock.monotonic()
        lives = [bus.life for bus in self.buses if bus.life is not None]
        for life in lives:
            life.runner.stop()
        self._join(lives)
        if self._publishing is None:
            return True
        self._publisher.stop()
        self._publishing.thread.join(max(0.0, began_s + timeout_s - self._clock.monotonic()))
        return not self._publishing.thread.is_alive()

    def _join(self, lives: Sequence[Life]) -> None:
        until_s = self._clock.monotonic() + _BUSES_END_WITHIN_S
        for life in lives:
            life.thread.join(max(0.0, until_s - self._clock.monotonic()))
