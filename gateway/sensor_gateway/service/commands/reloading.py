"""``reload``: have the main thread read the configuration anew, and answer with what came of it.

The main thread does what SIGHUP does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from sensor_gateway.service.commands.outcome import Outcome, failed
from sensor_gateway.service.commands.request import Request
from sensor_gateway.service.reload_requests.answer import ReloadAnswer
from sensor_gateway.service.reload_requests.requests import ReloadRequests

REST_S: Final = 10.0
"""A reload costs more than any other command: one is begun no sooner than so long after the last."""

_MOST_TOLD: Final = 20
_LONGEST: Final = 300


class ReloadCommand:
    """Asks the main thread. ``open`` and ``serve`` are for that one, the rest for the publisher's."""

    def __init__(self) -> None:
        """Nobody serves it yet."""
        self._ring: Callable[[], None] | None = None
        self._wake: Callable[[], None] | None = None
        self._requests = ReloadRequests()
        self._number = 0
        self._pending: Request | None = None
        self._rests_until_s = -inf

    def open(self, *, ring: Callable[[], None], wake: Callable[[], None]) -> None:
        """From now on ``ring`` tells the main thread that ``serve`` has something to do; ``wake`` the publisher."""
        self._wake = wake
        self._ring = ring

    def serve(self, reload: Callable[[], ReloadAnswer]) -> None:
        """Reload if somebody asked for it."""
        if self._requests.serve(reload) and self._wake is not None:
            self._wake()

    def begin(self, request: Request, now_s: float) -> Outcome | None:
        """Ask; None while it is under way."""
        if request.arguments:
            return failed("bad_argument", "this command has no arguments beside `transaction` and `expires`")
        if self._ring is None:
            return failed("busy", "the gateway is starting: it reads its configuration by itself")
        if self._pending is not None or now_s < self._rests_until_s:
            return failed("busy", f"another reload was asked for less than {REST_S:g} s ago; try again later")
        self._rests_until_s = now_s + REST_S
        self._pending = request
        self._number = self._requests.ask()
        self._ring()
        return None

    def tend(self, now_s: float) -> Sequence[tuple[Request, Outcome]]:
        """The answer, or an end where it does not come in time."""
        request = self._pending
        if request is None:
            return ()
        told = self._requests.answer(self._number)
        if told is not None:
            self._pending = None
            return ((request, _outcome(told)),)
        if request.answer_to.until_s <= now_s:
            self._pending = None
            return ((request, failed("timeout", "the reload has not ended in time; the log will tell")),)
        return ()

    def wait_s(self, now_s: float) -> float:
        """Seconds until somebody has waited long enough."""
        return inf if self._pending is None else max(0.0, self._pending.answer_to.until_s - now_s)


def _outcome(told: ReloadAnswer) -> Outcome:
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
