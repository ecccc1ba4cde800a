"""One client of the control socket: it says one line, is told one line, and is let go. All of it is bounded."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable
from typing import Final

from sensor_gateway.service.control.desk import Pending

MOST_ASKED: Final = 4096
"""Bytes of a request."""

SPEAKS_WITHIN_S: Final = 5.0
LISTENS_WITHIN_S: Final = 10.0

_PIECE: Final = 65_536
_CREDENTIALS: Final = struct.Struct("3i")


class Visitor:
    """A connection that was accepted. ``until_s`` is when its patience, or ours, is over."""

    def __init__(self, connection: socket.socket, begin: Callable[[bytes, str, float], Pending], now_s: float) -> None:
        """Nothing has been said yet. ``begin`` takes the request, who asks, and the time."""
        connection.settimeout(0)
        self._connection = connection
        self._begin = begin
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
        """Let it go."""
        self._connection.close()

    @property
    def _is_waiting(self) -> bool:
        """Whether it waits for an answer, whose time is the answer's own matter."""
        return self._pending is not None

    def _hear(self, now_s: float) -> bool:
        data = self._connection.recv(MOST_ASKED + 1 - len(self._heard))
        self._heard += data
        line, end, _ = self._heard.partition(b"\n")
        if len(line) > MOST_ASKED or (not line and (end or not data)):
            return False
        if end or not data:
            self._pending = self._begin(bytes(line), self._asker(), now_s)
        return True

    def _tell(self, now_s: float) -> None:
        if self._pending is not None:
            line = self._pending.answer(now_s)
            if line is None:
                return
            self._pending, self._left, self._is_told = None, memoryview(line), True
            self.until_s = now_s + LISTENS_WITHIN_S
        while self._left:
            self._left = self._left[self._connection.send(self._left[:_PIECE]) :]

    def _asker(self) -> str:
        """Who asks, as the kernel knows it (SO_PEERCRED, unix(7))."""
        known = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(known)
        return f"process {pid} of user {uid}"
