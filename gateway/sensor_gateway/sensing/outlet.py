"""The hand-over from one bus thread to the publisher: bounded, without a lock, and nobody waits.

One side puts, the other takes. What has no room is not handed over: it stays with the detectors as not said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import SensorState
from sensor_gateway.model.vitals.bus_report import BusReport

_STATES_KEPT: Final = 4096

Item = TypeVar("Item")


class Outlet:
    """A bounded queue of news, and beside it the changes of the sensors' health.

    ``report`` is what the bus says of itself from time to time: replaced as a whole, in passing, and nobody is woken.
    """

    def __init__(self, capacity: int, wake: Callable[[], None]) -> None:
        """``capacity`` counts events; ``wake`` is called once per ``put``, from the thread that puts."""
        self._capacity = capacity
        self._wake = wake
        self._events: deque[ChangeEvent] = deque()
        # Changes of health are few. Should nobody take them, the oldest go: the newest ones are what counts.
        self._states: deque[SensorState] = deque(maxlen=_STATES_KEPT)
        self._is_abandoned = False
        self.report: BusReport | None = None

    @property
    def room(self) -> int:
        """How many events may be put now. It only grows until the next ``put``."""
        return max(0, self._capacity - len(self._events))

    def put(self, events: Sequence[ChangeEvent], states: Sequence[SensorState]) -> None:
        """Hand over, in order. Whoever puts looks at ``room`` first; nothing is refused here."""
        if self._is_abandoned:
            return
        # Events first: who sees that a sensor is online again finds its recovery already there.
        self._events.extend(events)
        self._states.extend(states)
        self._wake()

    def take(self) -> tuple[list[ChangeEvent], list[SensorState]]:
        """All that has been put so far, in order. Never waits."""
        return _drained(self._events), _drained(self._states)

    def abandon(self) -> None:
        """From any thread: whatever is put from now on is discarded, for a bus thread that hangs."""
        self._is_abandoned = True


def _drained(queue: deque[Item]) -> list[Item]:
    return [queue.popleft() for _ in range(len(queue))]
