"""From a host's name to its addresses, with a deadline that the system's own look-up does not have."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeAlias

Place: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Address: TypeAlias = tuple[socket.AddressFamily, Place]


class NameLookup:
    """Looks one name up, again each time: names move. An address in digits is its own answer, at once.

    The system may take half a minute for a name. So a thread of its own asks, which owns nothing; where it is late,
    the next call waits for the same thread, so that there is never more than one. An error that came after its call had
    ended is forgotten: it may not hold any more.
    """

    def __init__(self, host: str, port: int) -> None:
        """Nothing is looked up yet."""
        self._host = host
        self._port = port
        self._answers: SimpleQueue[list[Address] | OSError] | None = None

    def addresses(self, timeout_s: float) -> list[Address]:
        """The addresses, at least one. OSError where there are none, TimeoutError where the system did not say."""
        try:
            return _asked(self._host, self._port, socket.AI_NUMERICHOST)
        except OSError:
            answer = self._answer(timeout_s)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def _answer(self, timeout_s: float) -> list[Address] | OSError:
        if self._answers is not None:
            with suppress(Empty):
                late = self._answers.get_nowait()
                self._answers = None
                if not isinstance(late, OSError):
                    return late
        if self._answers is None:
            self._answers = _begun(self._host, self._port)
        try:
            answer = self._answers.get(timeout=max(0.0, timeout_s))
        except Empty:
            raise TimeoutError(f"no name server answered within {timeout_s:.1f} s") from None
        self._answers = None
        return answer


def _begun(host: str, port: int) -> SimpleQueue[list[Address] | OSError]:
    """Where the answer of a new thread will be. OSError where the system starts none."""
    answers: SimpleQueue[list[Address] | OSError] = SimpleQueue()
    try:
        threading.Thread(target=_ask, args=(host, port, answers), name="name", daemon=True).start()
    except RuntimeError as error:
        raise OSError(str(error)) from error
    return answers


def _ask(host: str, port: int, answers: SimpleQueue[list[Address] | OSError]) -> None:
    try:
        answers.put(_asked(host, port, 0))
    except OSError as error:
        answers.put(error)


def _asked(host: str, port: int, flags: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # a part of more than 63 letters
        raise OSError("this is no name that a host can have") from error
    return [(family, address) for family, _, _, _, address in found]
