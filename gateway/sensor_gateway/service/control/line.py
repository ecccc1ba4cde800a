"""How a request is told on the control socket: one line, from a process of this machine."""

from __future__ import annotations

import socket
import struct
from typing import Final

MOST_ASKED: Final = 4096
"""Bytes of a request."""

_CREDENTIALS: Final = struct.Struct("3i")


def whole_line(heard: bytearray, *, is_ended: bool) -> bytes | None:
    """The line, its end left out; None while it goes on, and empty for one that is empty or too long."""
    line, end, _ = heard.partition(b"\n")
    if len(line) > MOST_ASKED:
        return b""
    return bytes(line) if end or is_ended else None


def asker_of(connection: socket.socket) -> str:
    """Who asks, as the kernel knows it (SO_PEERCRED, unix(7))."""
    known = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(known)
    return f"process {pid} of user {uid}"
