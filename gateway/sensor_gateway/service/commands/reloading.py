"""``reload``: have the main thread read the configuration anew, and answer with what came of it.

The request is a number on a bounded queue to the main thread, which does what SIGHUP does; the answer is a frozen value
on another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Protocol

from sensor_gateway.service.commands.outcome import Outcome, failed
from sensor_gateway.service.commands.request import Request

REST_S: Final = 10.0
"""A reload costs more than any other command: one is begun no sooner than so long after the last."""

_MOST_TOLD: Final = 20
_LONGEST: Final = 300


class Reloaded(Protocol):
    """What came of a reload."""

    @property
    def outcome(self) -> str:
        """In a word."""
        ...

    @property
    def changes(self) -> tuple[str, ...]:
        """What was changed."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """What kept everything as it was."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is to be known."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether the gateway runs by the file as it is now."""
        ...


class ReloadCommand:
    """Asks the main thread. ``open`` and ``serve`` are for that one, the rest for the publisher's."""

    def __init__(self) -> None:
        """Nobody serves it yet."""
        self._ring: Callable[[], None] | None = None
        self._wake: Callable[[], None] | None = None
        self._asked: deque[int] = deque(maxlen=1)
        self._answers: deque[tuple[int, Reloaded]] = deque(maxlen=1)
        self._pending: Request | None = None
        self._number = 0
        self._rests_until_s = -inf

    def open(self, *, ring: Callable[[], None], wake: Callable[[], None]) -> None:
        """From now on ``ring`` tells the main thread that ``serve`` has something to do; ``wake`` the publisher."""
        self._wake = wake
        self._ring = ring

    def serve(self, reload: Callable[[], Reloaded]) -> None:
        """Reload if somebody asked for it."""
        if self._asked:
            number = self._asked.popleft()
            self._answers.append((number, reload()))
            if self._wake is not None:
                self._wake()

    def begin(self, request: Request, now_s: float) -> Outcome | None:
        """Ask; None while it is under way."""
        if request.arguments:
            return failed("bad_argument", "this command has no arguments beside `transaction` and `expires`")
        if self._ring is None:
            return failed("busy", "the gateway is starting: it reads its configuration by itself")
        if self._pending is not None or now_s < self._rests_until_s:
            return failed("busy", f"another reload was asked for less than {REST_S:g} s ago; try again later")
        self._number += 1
        self._rests_until_s = now_s + REST_S
        self._pending = request
        self._asked.append(self._number)
        self._ring()
        return None

    def tend(self, now_s: float) -> Sequence[tuple[Request, Outcome]]:
        """The answer, or an end where it does not come in time."""
        request = self._pending
        if request is None:
            return ()
        while self._answers:
            number, told = self._answers.popleft()
            if number == self._number:
                self._pending = None
                return ((request, _outcome(told)),)
        if request.answer_to.until_s <= now_s:
            self._pending = None
            return ((request, failed("timeout", "the reload has not ended in time; the log will tell")),)
        return ()

    def wait_s(self, now_s: float) -> float:
        """Seconds until somebody has waited long enough."""
        return inf if self._pending is None else max(0.0, self._pending.answer_to.until_s - now_s)


def _outcome(told: Reloaded) -> Outcome:
    facts: dict[str, object] = {
        "outcome": str(told.outcome),
        "changes": _some(told.changes),
        "notes": _some(told.notes),
    }
    if told.is_done:
        return Outcome(is_done=True, facts=facts)
    reason = told.problems[0] if told.problems else "see the log"
    return failed(str(told.outcome), reason[:_LONGEST], **facts, problems=_some(told.problems))


def _some(sentences: Sequence[str]) -> list[str]:
    return [sentence[:_LONGEST] for sentence in sentences[:_MOST_TOLD]]
