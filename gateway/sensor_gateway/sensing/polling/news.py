"""What a bus has to say: the detectors of its channels, the deadlines that these have, and what one turn hands over.

Pure but for its memory: time arrives in stamps. A deadline is a heartbeat, the end of a minimum interval, or news that
found no room. It is kept in a heap and looked up lazily, since most of them move on before they are due; what they
leave behind is swept out when it has become the half of the heap.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

from sensor_gateway.changes.detector import ChannelDetector
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import SensorState
from sensor_gateway.model.reading import Failure, FailureCode, Reading, Stamp
from sensor_gateway.sensing.plan import ChannelPlan
from sensor_gateway.sensing.polling.verdicts import ChannelJudge

FULL_RETRY_MS: Final = 1000
"""How long news that found no room wait at most for the next try, unless a reading comes first."""

_MOST_AT_ONCE: Final = 4
_FEWEST_BELLS: Final = 64
_NEVER: Final = 1 << 62


class WatchedChannel:
    """A published channel: its judge, its detector, and for when it stands in the heap."""

    __slots__ = ("detector", "judge", "queued_ms", "source")

    def __init__(self, plan: ChannelPlan, judge: ChannelJudge) -> None:
        """A channel that has said nothing yet."""
        self.source = plan.source
        self.judge = judge
        self.detector = ChannelDetector(plan.source, plan.rules)
        self.queued_ms = _NEVER


class News:
    """Gathers the events and states of one turn. ``room`` is how many events may be handed over in it."""

    __slots__ = ("_bells", "_most_bells", "_order", "_slack_ms", "events", "room", "states")

    def __init__(self, slack_s: float) -> None:
        """Deadlines within ``slack_s`` are served together."""
        self._slack_ms = round(slack_s * 1000)
        self._bells: list[tuple[int, int, WatchedChannel]] = []
        self._most_bells = _FEWEST_BELLS
        self._order = count()
        self.events: list[ChangeEvent] = []
        self.states: list[SensorState] = []
        self.room = 0

    def offer(self, channel: WatchedChannel, value: float, stamp: Stamp) -> None:
        """A good value."""
        detector = channel.detector
        event = detector.offer(
            Reading(source=channel.source, value=value, stamp=stamp), has_room=len(self.events) < self.room
        )
        if event is not None:
            self.events.append(event)
        due_ms = detector.deadline_ms
        if due_ms is not None and due_ms < channel.queued_ms:
            self._queue(channel, due_ms)

    def fail(self, channel: WatchedChannel, code: FailureCode, detail: str, stamp: Stamp) -> None:
        """A measurement that gave no value."""
        failure = Failure(source=channel.source, code=code, detail=detail, stamp=stamp)
        event = channel.detector.fail(failure, has_room=len(self.events) < self.room)
        if event is not None:
            self.events.append(event)
        due_ms = channel.detector.deadline_ms
        if due_ms is not None and due_ms < channel.queued_ms:
            self._queue(channel, due_ms)

    def tell(self, state: SensorState | None) -> None:
        """A change of a sensor's health, if it is one."""
        if state is not None:
            self.states.append(state)

    def forget(self, channel: WatchedChannel) -> None:
        """The channel has no deadlines any more. What it stands for in the heap is passed over."""
        channel.queued_ms = _NEVER

    def ring(self, stamp: Stamp) -> None:
        """Let all speak whose deadline has come, or comes within the slack."""
        limit_ms = stamp.uptime_ms + self._slack_ms
        again: list[tuple[WatchedChannel, int]] = []
        while self._bells and self._bells[0][0] <= limit_ms:
            bell_ms, _, channel = heappop(self._bells)
            if bell_ms != channel.queued_ms:
                continue  # an earlier bell took its place
            channel.queued_ms = _NEVER
            due_ms = channel.detector.deadline_ms
            for _ in range(_MOST_AT_ONCE):
                if due_ms is None or due_ms > limit_ms:
                    break
                due_ms = self._wake(channel, due_ms, stamp)
            if due_ms is not None and due_ms <= limit_ms:
                due_ms = stamp.uptime_ms + FULL_RETRY_MS
            if due_ms is not None:
                again.append((channel, due_ms))
        for channel, due_ms in again:
            self._queue(channel, due_ms)

    def bell_ms(self) -> int | None:
        """When ``ring`` has something to do next, in milliseconds since boot; None for never."""
        bells = self._bells
        while bells:
            bell_ms, _, channel = bells[0]
            due_ms = channel.detector.deadline_ms if bell_ms == channel.queued_ms else None
            if due_ms is not None and due_ms <= bell_ms:
                return bell_ms
            heappop(bells)
            if bell_ms == channel.queued_ms:
                channel.queued_ms = _NEVER
                if due_ms is not None:
                    self._queue(channel, due_ms)
        return None

    def _wake(self, channel: WatchedChannel, due_ms: int, stamp: Stamp) -> int | None:
        ahead_ms = due_ms - stamp.uptime_ms
        if ahead_ms > 0:
            # Within the slack: as if it were due already, so that one wake-up serves it with its neighbours.
            stamp = Stamp(uptime_ms=due_ms, wall_ms=stamp.wall_ms + ahead_ms, clock=stamp.clock)
        event = channel.detector.wake(stamp, has_room=len(self.events) < self.room)
        if event is not None:
            self.events.append(event)
        return channel.detector.deadline_ms

    def _queue(self, channel: WatchedChannel, due_ms: int) -> None:
        channel.queued_ms = due_ms
        heappush(self._bells, (due_ms, next(self._order), channel))
        if len(self._bells) > self._most_bells:
            self._bells[:] = [bell for bell in self._bells if bell[0] == bell[2].queued_ms]
            heapify(self._bells)
            self._most_bells = max(_FEWEST_BELLS, 2 * len(self._bells))
