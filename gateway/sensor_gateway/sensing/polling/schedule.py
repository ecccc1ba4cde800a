"""When a sensor wants its next turn, and when a bus wakes up next. Pure: time is an argument, in monotonic seconds.

Deadlines are ``n * interval`` since the monotonic clock's zero, never "so long after the last reading": nothing drifts,
and all buses of one machine share the phase, so that their wake-ups fall together.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor
from typing import Final, Protocol

LATE_WAIT_S: Final = 0.2
"""How much later than asked for the waits of one poll may end in sum, so that one wake-up serves many."""

_EARLY_S: Final = 1e-6
"""What a wait may end too early, so that rounding costs no turn of its own."""

_NEVER: Final = float("inf")


class Schedule:
    """The deadlines of one sensor. The first reading is due at once, all others at multiples of the interval.

    A deadline is served from ``slack_s`` before it (never more than half an interval) until ``slack_s`` after it;
    one that cannot be is missed: it is counted in ``missed``, and never caught up.
    A turn is wanted at ``at_s``, accepted from ``from_s`` on and due at ``latest_s``.
    """

    __slots__ = (
        "_is_off_beat",
        "_number",
        "_slip_s",
        "at_s",
        "from_s",
        "interval_s",
        "is_called",
        "is_serving",
        "latest_s",
        "missed",
        "slack_s",
        "started_s",
    )

    def __init__(self, *, interval_s: float, slack_s: float) -> None:
        """Due at once."""
        self.interval_s = interval_s
        self.slack_s = min(slack_s, interval_s / 2)
        self.missed = 0
        self.is_serving = False
        self.is_called = False
        self.started_s = 0.0
        self.at_s = self.from_s = self.latest_s = float("-inf")
        self._number = 0
        self._is_off_beat = True
        self._slip_s = 0.0

    def serve(self, now_s: float) -> None:
        """Go on with the present deadline, or begin to serve the newest that has come."""
        if self.is_serving:
            self._slip_s += now_s - self.at_s
            return
        self.is_serving = True
        self.started_s = now_s
        self._slip_s = 0.0
        if self._is_off_beat:
            self._number = floor((now_s + self.slack_s) / self.interval_s)
            return
        if self.is_called and now_s < self._number * self.interval_s - self.slack_s:
            self._number -= 1  # beside the beat: the next deadline is still to come
            return
        behind_s = now_s - self.at_s
        if behind_s >= self.interval_s:
            skipped = int(behind_s / self.interval_s)
            self._number += skipped
            self.missed += skipped

    def wait(self, ready_s: float) -> None:
        """The deadline is served no further before ``ready_s``; somewhat later will do, before the next deadline."""
        self.at_s = ready_s
        self.from_s = ready_s - _EARLY_S
        may_slip_s = max(0.0, LATE_WAIT_S - self._slip_s)
        following_s = (self._number + 1) * self.interval_s
        self.latest_s = max(ready_s, min(ready_s + may_slip_s, following_s))

    def end(self, now_s: float) -> None:
        """The deadline was served by ``now_s``: on to the next one that can still be met."""
        number = self._number + 1
        due_s = number * self.interval_s
        late_s = now_s - self.slack_s - due_s
        if late_s > 0:
            skipped = ceil(late_s / self.interval_s)
            number += skipped
            due_s = number * self.interval_s
            if not self._is_off_beat:
                self.missed += skipped
        self._number = number
        self._is_off_beat = False
        self.is_serving = self.is_called = False
        self.at_s = self.latest_s = due_s
        self.from_s = due_s - self.slack_s

    def call(self, now_s: float) -> None:
        """Be due now, once more than the deadlines ask for: they stay as they are. What is being served will do.

        ``is_called`` until that is over.
        """
        self.is_called = True
        if not self.is_serving and self.from_s > now_s:
            self.at_s = self.from_s = self.latest_s = now_s

    def put_off(self, until_s: float) -> None:
        """Leave the beat, and be due at ``until_s``; what passes meanwhile is not missed."""
        self._is_off_beat = True
        self.is_serving = self.is_called = False
        self.at_s = self.latest_s = until_s
        self.from_s = until_s - self.slack_s

    def suspend(self) -> None:
        """Want no turn until ``put_off`` names a moment."""
        self.put_off(_NEVER)

    @property
    def is_suspended(self) -> bool:
        """Whether no turn is wanted."""
        return self.at_s == _NEVER


class Moment(Protocol):
    """Something to do: best at ``at_s``, and no later than ``latest_s``."""

    at_s: float
    latest_s: float


def next_turn(moments: Iterable[Moment], *, bell_s: float, bell_latest_s: float) -> float:
    """The moment of the one wake-up that serves most: no later than any may wait, no earlier than the last of these.

    The bell is one more thing to do, of the same shape. Infinite when there is nothing to do.
    """
    moments = tuple(moments)
    latest_s = min((moment.latest_s for moment in moments), default=bell_latest_s)
    latest_s = min(latest_s, bell_latest_s)
    best_s = bell_s if bell_s <= latest_s else float("-inf")
    for moment in moments:
        at_s = moment.at_s
        if best_s < at_s <= latest_s:
            best_s = at_s
    return best_s
