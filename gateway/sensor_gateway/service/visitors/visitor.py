"""One client of a socket: it asks once, is told once, and is let go. All of it is bounded."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

SPEAKS_WITHIN_S: Final = 5.0
LISTENS_WITHIN_S: Final = 10.0

_PIECE: Final = 65_536


class Pending(Protocol):
    """An answer that may still be under way."""

    def answer(self, now_s: float) -> bytes | None:
        """What is to be sent; None while it is not there yet."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that is there."""

    said: bytes

    def answer(self, _now_s: float) -> bytes:
        """It."""
        return self.said


class Whole(Protocol):
    """Finds a request in what was heard so far."""

    def __call__(self, heard: bytearray, *, is_ended: bool) -> bytes | None:
        """The request; None while it is not whole, and empty where the client is to be let go without an answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a request is told on a socket. ``most`` is its longest, in bytes; one byte more is heard, so that it shows.

    ``asker`` says who is at the other end, for the log. ``begin`` takes the request, who asks, and the time.
    """

    most: int
    whole: Whole
    asker: Callable[[socket.socket], str]
    begin: Callable[[bytes, str, float], Pending]


class Visitor:
    """A connection that was accepted. ``until_s`` is when its patience, or ours, is over."""

    def __init__(self, connection: socket.socket, manners: Manners, now_s: float) -> None:
        """Nothing has been said yet."""
        connection.settimeout(0)
        self._connection = connection
        self._manners = manners
        self._heard = bytearray()
        self._pending: Pending | None = None
        self._left = memoryview(b"")
        self._is_told = False
        self.until_s = now_s + SPEAKS_WITHIN_S

    @property
    def descriptor(self) -> int:
        """For selectors."""
        return self._connection.fileno()

    @property
    def is_silent(self) -> bool:
        """Whether it has not asked for anything yet."""
        return self._pending is None and not self._left

    @property
    def wants(self) -> int:
        """What a selector should look for."""
        if self._left:
            return select.EPOLLOUT
        return select.EPOLLIN if self._pending is None else 0

    def turn(self, happened: int, now_s: float) -> bool:
        """One turn; whether it stays."""
        try:
            if self.is_silent and happened & select.EPOLLIN and not self._hear(now_s):
                return False
            if happened & (select.EPOLLHUP | select.EPOLLERR):
                return False
            self._tell(now_s)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            return False
        is_done = self._is_told and not self._left
        return not is_done and (self._is_waiting or now_s < self.until_s)

    def close(self) -> None:
        """Let it go. What it said and nobody read is taken: it would reset the connection, and the answer with it."""
        with suppress(OSError):
            self._connection.recv(_PIECE)
        self._connection.close()

    @property
    def _is_waiting(self) -> bool:
        """Whether it waits for an answer, whose time is the answer's own matter."""
        return self._pending is not None

    def _hear(self, now_s: float) -> bool:
        data = self._connection.recv(self._manners.most + 1 - len(self._heard))
        self._heard += data
        request = self._manners.whole(self._heard, is_ended=not data)
        if request:
            self._pending = self._manners.begin(request, self._manners.asker(self._connection), now_s)
        return bool(request) or (request is None and bool(data))

    def _tell(self, now_s: float) -> None:
        if self._pending is not None:
            said = self._pending.answer(now_s)
            if said is None:
                return
            self._pending, self._left, self._is_told = None, memoryview(said), True
            self.until_s = now_s + LISTENS_WITHIN_S
        while self._left:
            self._left = self._left[self._connection.send(self._left[:_PIECE]) :]
