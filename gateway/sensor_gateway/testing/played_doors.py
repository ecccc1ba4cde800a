"""A recording in the place of a bus or a line: it answers what is asked for as it was answered then.

A driver that asks for something else than was recorded is told so by a NoAnswer, and the difference is noted. Where it
asks for something that comes a little later in the recording, what lies between is passed over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from sensor_gateway.model.errors import MeasurementError, NoAnswer
from sensor_gateway.model.reading import Stamp
from sensor_gateway.testing.recording_file import Came, Discarded, Header, Opened, RecordingFile, Sent, Transferred

LOOKED_AHEAD: Final = 200
MOST_DIFFERENCES: Final = 100
_SAME_S: Final = 0.05

Step = TypeVar("Step")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a driver asked for something else: seconds since the recording began, and both in a sentence."""

    at_s: float
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"at {self.at_s:.3f} s: {self.what}"


class CutOff(NoAnswer):
    """The recording ended in the middle of a measurement."""


class RecordedTime:
    """A clock that stands at a moment of a recording."""

    def __init__(self, header: Header) -> None:
        """Begin with the recording."""
        self.passed_s = 0.0
        self._header = header

    def monotonic(self) -> float:
        """As the clock of the recording machine, so that deadlines fall on the same moments."""
        return self._header.monotonic_s + self.passed_s

    def stamp(self) -> Stamp:
        """As that machine's clocks would have had it."""
        began, passed_ms = self._header.began, round(self.passed_s * 1000)
        return Stamp(
            uptime_ms=began.uptime_ms + passed_ms, wall_ms=began.wall_ms + passed_ms, clock=self._header.began.clock
        )

    def advance_to(self, at_s: float) -> None:
        """Let time pass up to a moment of the recording; never back."""
        self.passed_s = max(self.passed_s, at_s)


class _Door:
    """What both kinds have: openings as they were, differences, and the end."""

    def __init__(self, recording: RecordingFile, time: RecordedTime, *, grace_s: float) -> None:
        """What is asked for in the last ``grace_s`` and was not recorded was cut off, and is no difference."""
        self.name = recording.header.bus
        self.differences: list[Difference] = []
        self.ended: set[int] = set()
        """The addresses whose recording is over (0 stands for a line)."""
        self._time = time
        self._end_s = recording.end_s
        self._grace_s = grace_s
        self._openings = deque(step for step in recording.steps if isinstance(step, Opened))

    def open(self) -> None:
        """As it went then."""
        if self._openings:
            opening = self._openings.popleft()
            self._time.advance_to(opening.at_s)
            if opening.error is not None:
                raise opening.error

    def close(self) -> None:
        """Nothing to do."""

    def _over(self, address: int, asked: str) -> NoAnswer:
        """Nothing is left that could be answered."""
        if self._time.passed_s >= self._end_s - self._grace_s:
            self.ended.add(address)
            return CutOff("the recording ends here")
        return self._different(f"the driver asks to {asked}, and nothing more was recorded")

    def _different(self, what: str) -> NoAnswer:
        if len(self.differences) < MOST_DIFFERENCES:
            self.differences.append(Difference(at_s=self._time.passed_s, what=what))
        return NoAnswer(f"this was not recorded: {what}")


class PlayedBus(_Door):
    """An I2cBus. Each address has its own sequence: which sensor is served first may differ from then."""

    def __init__(self, recording: RecordingFile, time: RecordedTime, *, grace_s: float) -> None:
        """Be ready to answer."""
        super().__init__(recording, time, grace_s=grace_s)
        self._queues: dict[int, deque[Transferred]] = {}
        for step in recording.steps:
            if isinstance(step, Transferred):
                self._queues.setdefault(step.transfer.address, deque()).append(step)

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """The recorded answer, or the recorded error."""
        queue = self._queues.get(address, deque())
        asked = f"{_described(data, count)} (address 0x{address:02x})"
        if not queue:
            raise self._over(address, asked)
        first = queue[0]
        recorded = _described(first.transfer.written, first.count)

        def fits(step: Transferred) -> bool:
            return step.transfer.written == data and step.count == count

        taken = _taken(queue, fits)
        step, passed = taken
        if step is None:
            raise self._different(f"the driver asks to {asked}, and recorded is: {recorded}")
        if passed:
            self._different(f"the driver asks to {asked}, and recorded is: {recorded} ({passed} transfers passed over)")
        self._time.advance_to(step.at_s + step.took_s)
        answer = step.transfer.answer
        if isinstance(answer, MeasurementError):
            raise answer
        if len(answer) != count:
            raise self._different(f"the answer to {asked} was not recorded whole")
        return answer


class PlayedLine(_Door):
    """A SerialLine."""

    def __init__(self, recording: RecordingFile, time: RecordedTime, *, grace_s: float) -> None:
        """Be ready to answer."""
        super().__init__(recording, time, grace_s=grace_s)
        self._steps = deque(step for step in recording.steps if isinstance(step, (Sent, Came, Discarded)))

    def write(self, data: bytes, timeout_s: float) -> None:
        """Take a request; what comes next is what came after it then."""
        del timeout_s
        asked = f"send {data.hex(' ')}"
        first = next((step for step in self._steps if isinstance(step, Sent)), None)
        if first is None:
            raise self._over(0, asked)

        def fits(step: Sent | Came | Discarded) -> bool:
            return isinstance(step, Sent) and step.data == data

        taken = _taken(self._steps, fits)
        step = taken[0]
        if first is not step:
            error = self._different(f"the driver asks to {asked}, and recorded is: send {first.data.hex(' ')}")
            if step is None:
                raise error
        self._time.advance_to(step.at_s)
        if isinstance(step, Sent) and step.error is not None:
            raise step.error

    def read(self, timeout_s: float) -> bytes:
        """What came then, when it came; b"" when nothing did in that time, and at the end of the recording."""
        until_s = self._time.passed_s + timeout_s
        while self._steps and isinstance(self._steps[0], Discarded) and self._steps[0].at_s <= until_s:
            self._steps.popleft()
        step = self._steps[0] if self._steps else None
        if isinstance(step, Came) and step.at_s <= until_s:
            self._steps.popleft()
            self._time.advance_to(step.at_s)
            if isinstance(step.data, MeasurementError):
                raise step.data
            return step.data
        if until_s > self._end_s:
            self.ended.add(0)
        self._time.advance_to(min(until_s, self._end_s))
        return b""

    def discard(self) -> int:
        """Drop what was there by now, and stand where the next request was sent."""
        dropped = 0
        while self._steps and not isinstance(self._steps[0], Sent):
            step = self._steps[0]
            if step.at_s > self._time.passed_s + _SAME_S:
                break
            self._steps.popleft()
            dropped += step.count if isinstance(step, Discarded) else len(step.data) if type(step.data) is bytes else 0
        if self._steps and isinstance(self._steps[0], Sent):
            self._time.advance_to(self._steps[0].at_s)
        return dropped

    def wake(self) -> None:
        """Nothing to do: nobody waits."""


def _taken(queue: deque[Step], fits: Callable[[Step], bool]) -> tuple[Step | None, int]:
    """Take the first that fits and is not far off, and all before it: it, and how many were before it."""
    ahead: Iterable[Step] = islice(queue, LOOKED_AHEAD)
    place = next((place for place, step in enumerate(ahead) if fits(step)), None)
    if place is None:
        return None, 0
    for _ in range(place):
        queue.popleft()
    return queue.popleft(), place


def _described(data: bytes, count: int) -> str:
    parts = [f"write {data.hex(' ')}"] if data else []
    return ", ".join([*parts, f"read {count}"] if count else parts) or "write nothing"
