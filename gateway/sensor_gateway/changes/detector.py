"""Decides which readings of one channel are news. Pure: time arrives in the stamps of what it is told.

It knows nothing of buses, queues or clocks, only whether there is room for one more event. Most readings end
here, so ``offer`` is the hot path of the gateway.
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.changes.filter_chain import FilterChain
from sensor_gateway.changes.grid import Grid
from sensor_gateway.changes.rules import ChangeRules
from sensor_gateway.model.channel import Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.reading import ClockState, Failure, FailureCode, Reading, Stamp

_GOOD: Final = Quality.GOOD
_UNCERTAIN: Final = Quality.UNCERTAIN
_BAD: Final = Quality.BAD
_NEVER: Final = 1 << 62
_NO_STAMP: Final = Stamp(uptime_ms=0, wall_ms=0, clock=ClockState.UNSYNCED)
_HOLE_INTERVALS: Final = 3
_MOST_OWED: Final = 3


class ChannelDetector:
    """What one channel has said, what is known of it, and therefore what it has to say next.

    Each call gives one event at most. What finds no room stays due: ``deadline_ms`` then lies in the past, and
    any later call that has room gives it. Faults and recoveries are owed as they happened, in their order (of
    many in turn the newest ones); of values, the newest is due. ``refused`` counts what found no room.
    """

    __slots__ = (
        "_at_most_ms",
        "_chain",
        "_code",
        "_deadband",
        "_due_ms",
        "_grid",
        "_heartbeat_ms",
        "_hole_ms",
        "_is_counted",
        "_is_news",
        "_measured_ms",
        "_owed",
        "_quality",
        "_reference",
        "_said",
        "_said_ms",
        "_source",
        "_span",
        "_stamp",
        "_ticks",
        "refused",
    )

    def __init__(self, source: Source, rules: ChangeRules) -> None:
        """A channel that has said nothing yet."""
        self._source = source
        self._deadband = rules.deadband
        self._heartbeat_ms = rules.heartbeat_ms
        self._at_most_ms = rules.at_most_ms
        self._hole_ms = _HOLE_INTERVALS * rules.interval_ms
        self._chain = FilterChain(rules.filters) if rules.filters else None
        self._grid = Grid(source.channel.resolution)
        # What is known: the newest value (in ticks) or failure, and when a sample last came.
        self._quality = _BAD
        self._ticks = 0
        self._code: FailureCode | None = None
        self._stamp = _NO_STAMP
        self._measured_ms = 0
        # What was said, owed events included: None is nothing ever.
        self._said: Quality | None = None
        self._said_ms = 0
        self._reference = 0
        self._span = 1
        self._owed: list[ChangeEvent] = []
        # What follows from both.
        self._is_news = False
        self._due_ms = _NEVER
        self._is_counted = False
        self.refused = 0

    @property
    def deadline_ms(self) -> int | None:
        """When ``wake`` has something to say, in milliseconds since boot; in the past: at once; None: never."""
        return None if self._due_ms == _NEVER else self._due_ms

    @property
    def newest(self) -> tuple[float | None, Quality, FailureCode | None]:
        """What is known now, said or not: the value as an event would give it, its quality, and why there is none."""
        if self._quality is _BAD:
            return None, _BAD, self._code
        return self._grid.value(self._ticks), self._quality, None

    def offer(self, reading: Reading, *, has_room: bool) -> ChangeEvent | None:
        """Judge a measured value."""
        stamp = reading.stamp
        now_ms = stamp.uptime_ms
        value = reading.value
        quality = _GOOD
        if self._chain is not None:
            filtered = self._filtered(self._chain, value, now_ms)
            if filtered is None:
                return self._next(now_ms, has_room=has_room)
            value = filtered
            if not self._chain.is_settled:
                quality = _UNCERTAIN
        ticks = self._grid.ticks(value)
        if ticks is None:
            return self._fail(FailureCode.RANGE, stamp, has_room=has_room)
        self._ticks = ticks
        self._quality = quality
        self._stamp = stamp
        if quality is not self._said or not -self._span < ticks - self._reference < self._span:
            return self._differ(now_ms, has_room=has_room)
        if self._is_news:
            self._is_news = self._is_counted = False
            self._schedule()
        return None if now_ms < self._due_ms else self._next(now_ms, has_room=has_room)

    def fail(self, failure: Failure, *, has_room: bool) -> ChangeEvent | None:
        """Take note of a measurement that gave no value."""
        return self._fail(failure.code, failure.stamp, has_room=has_room)

    def wake(self, stamp: Stamp, *, has_room: bool) -> ChangeEvent | None:
        """Say what has become due by now: an owed event, a held change or a heartbeat."""
        return self._next(stamp.uptime_ms, has_room=has_room)

    def _filtered(self, chain: FilterChain, value: float, now_ms: int) -> float | None:
        if now_ms - self._measured_ms > self._hole_ms:
            chain.clear()
        self._measured_ms = now_ms
        return chain.feed(value)

    def _fail(self, code: FailureCode, stamp: Stamp, *, has_room: bool) -> ChangeEvent | None:
        if self._chain is not None:
            self._chain.clear()
        self._quality = _BAD
        self._code = code
        self._stamp = stamp
        if self._said is _BAD:
            return self._next(stamp.uptime_ms, has_room=has_room)
        return self._differ(stamp.uptime_ms, has_room=has_room)

    def _differ(self, now_ms: int, *, has_room: bool) -> ChangeEvent | None:
        """What is known is not what was said: owe a change of health as it is, or note that the value is news."""
        if self._quality is _BAD:
            _owe(self._owed, self._written(Reason.FAULT))
        elif self._said is _BAD:
            _owe(self._owed, self._written(Reason.RECOVERY))
        else:
            self._is_news = True
        self._schedule()
        return self._next(now_ms, has_room=has_room, is_new=True)

    def _next(self, now_ms: int, *, has_room: bool, is_new: bool = False) -> ChangeEvent | None:
        """Say the most urgent of what is due, if there is room for it."""
        if now_ms < self._due_ms:
            return None
        if not has_room:
            if is_new or not self._is_counted:
                self.refused += 1
                self._is_counted = True
            return None
        event = self._owed.pop(0) if self._owed else self._written(self._reason(now_ms))
        self._said_ms = now_ms
        self._is_counted = False
        self._schedule()
        return event

    def _reason(self, now_ms: int) -> Reason:
        if self._said is None:
            return Reason.FIRST
        if self._is_news and now_ms >= self._said_ms + self._at_most_ms:
            return Reason.CHANGE
        return Reason.HEARTBEAT

    def _written(self, reason: Reason) -> ChangeEvent:
        """What is known, as an event that counts as said from now on."""
        self._is_news = False
        self._said = self._quality
        value = code = None
        if self._quality is _BAD:
            code = self._code
        else:
            value = self._grid.value(self._ticks)
            self._reference = self._ticks
            self._span = self._grid.span(self._deadband.around(value))
        return ChangeEvent(
            source=self._source, value=value, quality=self._quality, reason=reason, code=code, stamp=self._stamp
        )

    def _schedule(self) -> None:
        """Work out when there is something to say."""
        due_ms = _NEVER
        if self._owed:
            due_ms = self._owed[0].stamp.uptime_ms
        elif self._said is None:
            if self._is_news:
                due_ms = self._stamp.uptime_ms
        else:
            if self._heartbeat_ms is not None:
                due_ms = self._said_ms + self._heartbeat_ms
            if self._is_news:
                due_ms = min(due_ms, self._said_ms + self._at_most_ms)
        self._due_ms = due_ms


def _owe(owed: list[ChangeEvent], event: ChangeEvent) -> None:
    owed.append(event)
    if len(owed) > _MOST_OWED:
        # What stood first and its opposite go together, so that fault and recovery still take turns.
        del owed[:2]
