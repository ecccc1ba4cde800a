"""The door to TCP: a serial line at the other end of a connection, as a device server offers it.

One connection serves one bus. It is opened again as a port that was unplugged is, but for one that the other side has
closed between two exchanges, as many do after a minute of silence: that is opened again within the next exchange.
"""

from __future__ import annotations

import os
import select
import socket
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from errno import ECANCELED, ECONNREFUSED, EHOSTUNREACH, EIO, ENETUNREACH, ETIMEDOUT
from functools import partial
from typing import Final

from sensor_gateway.model.errors import BusMissing, NoAnswer
from sensor_gateway.model.writing.figures import counted
from sensor_gateway.sensing.errnos import named
from sensor_gateway.sensing.tcp.name_lookup import Address, NameLookup

_CHUNK: Final = 4096
_MOST_PENDING: Final = 64
"""Chunks taken at once: a device that never stops talking must not hold the thread."""

_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # A peer that vanished without a word is found out after half a minute of silence, or 10 s after a request.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000),
)


_NO_WAY: Final = "there is no way to it (is it switched on, and in this network?)"
_REASONS: Final[Mapping[int, str]] = {
    ECANCELED: "it was given up before anybody answered",
    ECONNREFUSED: "nobody listens there (connection refused); is the port right, and is it in use by another client?",
    ETIMEDOUT: "nobody answered in time (is it switched on, and in this network?)",
    EHOSTUNREACH: _NO_WAY,
    ENETUNREACH: _NO_WAY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSettings:
    """Where the other end is, and how long ``open`` may take: the look-up of a name included."""

    host: str
    port: int
    connect_timeout_s: float = 3.0


class TcpLine:
    """A SerialLine over one TCP connection."""

    def __init__(self, name: str, settings: TcpSettings) -> None:
        """Nothing is connected yet."""
        self.name = name
        self._settings = settings
        self._place = f"{settings.host}:{settings.port}"
        self._lookup = NameLookup(settings.host, settings.port)
        self._socket: socket.socket | None = None
        self.is_left = False
        # It lives as long as this object: another thread may wake at any moment, also while nothing is connected.
        self._waking = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._waking).atexit = False

    def open(self) -> None:
        """Connect within the time for that; nothing where there is a connection. BusMissing says what is in the way."""
        if self._socket is None:
            self._connect(self._settings.connect_timeout_s)

    def close(self) -> None:
        """End the connection; nothing where there is none."""
        self.is_left = False
        connected, self._socket = self._socket, None
        if connected is not None:
            connected.close()

    def write(self, data: bytes, timeout_s: float) -> None:
        """Hand all of ``data`` to the system within ``timeout_s``.

        NoAnswer when the other side takes nothing or ``wake`` is called meanwhile, BusMissing when the connection is
        gone. It is given up where a part of ``data`` went out: the rest could not be told from the next request.
        """
        deadline_s = time.monotonic() + timeout_s
        if self.is_left:
            self._connect(timeout_s)
        connected = self._connected()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[connected.send(rest) :]
            except BlockingIOError:
                if not self._hindrance(connected, select.POLLOUT, deadline_s):
                    continue
                if len(rest) < len(data):
                    raise self._lost(f"took only {len(data) - len(rest)} of {counted(len(data), 'byte')}") from None
                raise NoAnswer(f"{self._place} takes nothing: {counted(len(data), 'byte')} could not be sent") from None
            except OSError as error:
                raise self._lost(named(error.errno)) from error

    def read(self, timeout_s: float) -> bytes:
        """What has come in, up to 4096 bytes, as soon as there is any; b"" at the timeout or after ``wake``.

        BusMissing when the connection is gone: it is closed then.
        """
        connected = self._connected()
        deadline_s = time.monotonic() + timeout_s
        while not self._hindrance(connected, select.POLLIN, deadline_s):
            with suppress(BlockingIOError):
                return self._taken(connected)
        return b""

    def discard(self) -> int:
        """Drop what has come in unread, and give the number of bytes."""
        return len(self.pending())

    def pending(self) -> bytes:
        """What has come in unread, without waiting for it.

        Where the other side has closed the connection, ``is_left`` is true until ``write`` has opened it again.
        """
        came = b""
        with suppress(BlockingIOError):
            for _ in range(_MOST_PENDING):
                if self.is_left:
                    break
                try:
                    came += self._taken(self._connected())
                except BusMissing:
                    self.is_left = True
        return came

    def wake(self) -> None:
        """From any thread: a read, write or open that waits, or else the next one that would, is over at once."""
        os.eventfd_write(self._waking, 1)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise BusMissing(f"{self.name} is not connected to {self._place}")
        return self._socket

    def _taken(self, connected: socket.socket) -> bytes:
        """What is there now. BlockingIOError where nothing is."""
        try:
            came = connected.recv(_CHUNK)
        except BlockingIOError:
            raise
        except OSError as error:
            raise self._lost(named(error.errno)) from error
        if not came:
            raise self._lost("closed by the other side")
        return came

    def _hindrance(self, connected: socket.socket, event: int, deadline_s: float) -> int:
        """Wait until the connection can be used, which is 0; ETIMEDOUT at the deadline, ECANCELED after ``wake``."""
        poll = select.poll()
        poll.register(connected, event)
        poll.register(self._waking, select.POLLIN)
        ready = poll.poll(max(0.0, deadline_s - time.monotonic()) * 1000)
        if any(number == connected.fileno() for number, _ in ready):
            return 0
        if not ready:
            return ETIMEDOUT
        with suppress(BlockingIOError):
            os.eventfd_read(self._waking)
        return ECANCELED

    def _connect(self, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        self.close()
        try:
            addresses = self._lookup.addresses(timeout_s)
        except OSError as error:
            raise BusMissing(f"{self._settings.host} has no address: {error.strerror or error}") from error
        reason = ""
        for number, address in enumerate(addresses):
            # Each address has its share of what is left: a dead one must not take the time of the others.
            share_s = (deadline_s - time.monotonic()) / (len(addresses) - number)
            dialled = _dialled(address, partial(self._hindrance, deadline_s=time.monotonic() + share_s))
            if not isinstance(dialled, int):
                self._socket = dialled
                return
            reason = _REASONS.get(dialled, os.strerror(dialled))
            if dialled == ECANCELED:
                break
        raise BusMissing(f"{self._place} cannot be reached: {reason}")

    def _lost(self, why: str) -> BusMissing:
        self.close()
        return BusMissing(f"the connection of {self.name} to {self._place} is gone ({why}); it is opened again")


def _dialled(address: Address, hindrance: Callable[[socket.socket, int], int]) -> socket.socket | int:
    """A connection to one address, or the number of the error that is in the way."""
    family, place = address
    try:
        candidate = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    except OSError as error:  # IPv6 is switched off here, or too many files are open
        return error.errno or EIO
    try:
        for level, option, value in _OPTIONS:
            candidate.setsockopt(level, option, value)
        with suppress(BlockingIOError):
            candidate.connect(place)
        number = hindrance(candidate, select.POLLOUT)
        if not number:
            number = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            # A port of this host that nobody listens on can, by chance, be the one that was chosen for this end.
            if not number and candidate.getsockname() == candidate.getpeername():
                number = ECONNREFUSED
    except OSError as error:
        number = error.errno or EIO
    if number:
        candidate.close()
    return number or candidate
