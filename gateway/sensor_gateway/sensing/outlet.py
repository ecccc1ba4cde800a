"""The hand-over from one bus thread to the publisher: bounded, without a lock, and nobody waits.

One side puts, the other takes. What has no room is not handed over: it stays with the detectors as not said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import SensorState
from sensor_gateway.model.vitals.bus_report import BusReport
from sensor_gateway.sensing.polling.knowledge import ReadAnswer

_STATES_KEPT: Final = 4096
_ANSWERS_KEPT: Final = 64

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
        self._answers: deque[ReadAnswer] = deque(maxlen=_ANSWERS_KEPT)
        self._is_abandoned = False
        self.report: BusReport | None = None
        self._silenced: set[tuple[str, int]] = set()

    @property
    def is_free(self) -> bool:
        """Whether nobody puts any more, and all news has been taken: another may take its place."""
        return self._is_abandoned and not self._events and not self._states

    @property
    def room(self) -> int:
        """How many events may be put now. It only grows until the next ``put``."""
        return max(0, self._capacity - len(self._events))

    def put(self, events: Sequence[ChangeEvent], states: Sequence[SensorState]) -> None:
        """Hand over, in order. Whoever puts looks at ``room`` first; nothing is refused here."""
        if self._is_abandoned:
            return
        if self._silenced:
            silent = {sensor for sensor, _ in tuple(self._silenced)}
            events = [event for event in events if event.source.sensor not in silent]
            states = [state for state in states if state.sensor not in silent]
        # Events first: who sees that a sensor is online again finds its recovery already there.
        self._events.extend(events)
        self._states.extend(states)
        self._wake()

    def take(self) -> tuple[list[ChangeEvent], list[SensorState]]:
        """All that has been put so far, in order. Never waits."""
        return _drained(self._events), _drained(self._states)

    def silence(self, sensors: Iterable[str], number: int) -> None:
        """From any thread: what is put of these sensors is discarded until the change ``number`` is heeded.

        They have left the bus, and their thread does not know yet. What was put before is still there to be taken.
        """
        self._silenced.update([(sensor, number) for sensor in sensors])

    def heed(self, number: int, *, capacity: int) -> None:
        """From the thread that puts: nothing comes any more of the sensors that the change ``number`` took away."""
        self._capacity = capacity
        for entry in [entry for entry in tuple(self._silenced) if entry[1] == number]:
            self._silenced.discard(entry)

    def begin(self, *, capacity: int) -> None:
        """A new thread will put from now on, and knows all; the one before has ended."""
        self._capacity = capacity
        self._silenced.clear()

    def answer(self, answers: Sequence[ReadAnswer]) -> None:
        """Hand over what somebody asked for."""
        if answers and not self._is_abandoned:
            self._answers.extend(answers)
            self._wake()

    def take_answers(self) -> list[ReadAnswer]:
        """All answers so far, in order. Never waits."""
        return _drained(self._answers)

    def abandon(self) -> None:
        """From any thread: whatever is put from now on is discarded, for a bus thread that hangs or has to go."""
        self._is_abandoned = True


def _drained(queue: deque[Item]) -> list[Item]:
    return [queue.popleft() for _ in range(len(queue))]
