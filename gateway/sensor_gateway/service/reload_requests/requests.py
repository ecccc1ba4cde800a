"""Requests to reload, from another thread to the main one, and the answers on their way back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sensor_gateway.service.reload_requests.answer import ReloadAnswer


class ReloadRequests:
    """Of one thread: ``ask`` and ``answer`` are for that one, ``serve`` for the main one.

    A request is a number, and an answer holds for all up to its own: who asks while others wait gets one reload for
    all of them, which begins after each has asked.
    """

    def __init__(self) -> None:
        """Nobody has asked."""
        self._number = 0
        self._asked: deque[int] = deque(maxlen=1)
        self._answers: deque[tuple[int, ReloadAnswer]] = deque(maxlen=8)
        self._told: deque[tuple[int, ReloadAnswer]] = deque(maxlen=8)

    def ask(self) -> int:
        """Ask for a reload; the number of the request."""
        self._number += 1
        self._asked.append(self._number)
        return self._number

    def answer(self, number: int) -> ReloadAnswer | None:
        """What came of it; None while it is under way."""
        while self._answers:
            self._told.append(self._answers.popleft())
        return next((told for upto, told in self._told if number <= upto), None)

    def serve(self, reload: Callable[[], ReloadAnswer]) -> bool:
        """Reload if somebody asked; whether somebody did."""
        if not self._asked:
            return False
        number = self._asked.popleft()
        self._answers.append((number, reload()))
        return True
