"""Somebody wants a sensor read now, beside its schedule: what is asked on one bus, and not answered yet.

The request comes from another thread and is a frozen value on a bounded queue; so is the answer, through the outlet.
Such a poll is one like any other: it counts, filters see it, and what it changes is news. The deadlines stay as
they are, and no more than one request is begun in a turn of the bus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.sensing.polling.knowledge import ReadAnswer, ReadRequest
from sensor_gateway.sensing.polling.sensor import PolledSensor

MOST_ASKED: Final = 16
"""So many requests wait on one bus; what is more is refused at once."""

_NOT_HERE: Final = "this sensor is not polled on this bus"


class Enquiries:
    """The requests of one bus. ``put`` is for any thread, the rest for the bus's own."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` makes the bus's next turn come now."""
        self._wake = wake
        self._waiting: deque[ReadRequest] = deque()
        self._begun: list[tuple[ReadRequest, PolledSensor]] = []
        self._answers: list[ReadAnswer] = []

    @property
    def is_any(self) -> bool:
        """Whether anybody waits for an answer."""
        return bool(self._waiting or self._begun)

    @property
    def is_more(self) -> bool:
        """Whether a request has not been begun yet."""
        return bool(self._waiting)

    def put(self, request: ReadRequest) -> bool:
        """Ask; False where too many ask already."""
        if len(self._waiting) >= MOST_ASKED:
            return False
        self._waiting.append(request)
        self._wake()
        return True

    def begin(self, sensors: Sequence[PolledSensor], now_s: float, now: Stamp, *, is_open: bool) -> None:
        """Make the next sensor that is asked for due now; without a bus it is answered why there is none."""
        if not self._waiting:
            return
        request = self._waiting.popleft()
        sensor = next((sensor for sensor in sensors if sensor.account.name == request.sensor), None)
        if sensor is None:
            self._failed(request, FailureCode.MISSING, _NOT_HERE, now)
        elif not is_open:
            code, reason = sensor.account.trouble or (FailureCode.MISSING, "the bus is not open yet")
            self._failed(request, code, reason, now)
        else:
            sensor.call(now_s)
            self._begun.append((request, sensor))

    def take(self, sensors: Sequence[PolledSensor], now: Stamp) -> Sequence[ReadAnswer]:
        """The answers to all whose poll has ended, or whose sensor has left the bus."""
        begun, self._begun = self._begun, []
        for request, sensor in begun:
            if sensor not in sensors:
                self._failed(request, FailureCode.MISSING, _NOT_HERE, now)
            elif sensor.schedule.is_called:
                self._begun.append((request, sensor))
            elif sensor.account.trouble is not None:
                self._failed(request, *sensor.account.trouble, now)
            else:
                channels = sensor.account.answer()
                self._answers.append(
                    ReadAnswer(number=request.number, stamp=now, channels=channels, code=None, reason="")
                )
        answers, self._answers = self._answers, []
        return answers

    def _failed(self, request: ReadRequest, code: FailureCode, reason: str, now: Stamp) -> None:
        self._answers.append(ReadAnswer(number=request.number, stamp=now, channels=(), code=code, reason=reason))
