"""Serves the clients of one socket. Its thread owns them, and nothing of the gateway."""

from __future__ import annotations

import select
import socket
import traceback
from contextlib import suppress
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.service.visitors.visitor import Manners, Visitor

MOST_VISITORS: Final = 16
MOST_WELCOMES: Final = 50
"""In a second; others wait with the kernel, so that nobody makes this thread take the processor."""

_LONGEST_WAIT_S: Final = 3600.0
_WATCH_S: Final = 0.5
"""While somebody is there."""


class VisitorServer:
    """``step`` and ``run`` are for one thread, ``stop`` for any. ``name`` is what its failure is told under."""

    def __init__(
        self, name: str, listener: socket.socket, manners: Manners, *, bell: Bell, clock: Clock, log: Log
    ) -> None:
        """Take over ``listener``. ``bell`` is rung when an answer has come."""
        self.name = name
        self._listener = listener
        self._manners = manners
        self._bell = bell
        self._clock = clock
        self._log = log
        self._is_stopping = False
        self._visitors: dict[int, Visitor] = {}
        self._wanted: dict[int, int] = {}
        self._welcomes = 0
        self._welcomes_from_s = 0.0
        self._is_open = True
        self._poll = select.epoll()
        self._poll.register(listener, select.EPOLLIN)
        self._poll.register(bell, select.EPOLLIN)

    def run(self) -> None:
        """Turn after turn until ``stop``. What nobody expected ends it, and the main thread begins another."""
        try:
            wait_s = 0.0
            while not self._is_stopping:
                wait_s = self.step(wait_s)
        except Exception as error:  # noqa: BLE001 - the top of the thread
            self._log.error("visitors_failed", of=self.name, error=repr(error), traceback=traceback.format_exc())
        finally:
            self._close()

    def stop(self) -> None:
        """End ``run`` soon."""
        self._is_stopping = True
        self._bell.ring()

    def step(self, wait_s: float = 0.0) -> float:
        """Wait for something to happen, at most ``wait_s``, and do one turn. Seconds until the next one is wanted."""
        ready = dict(self._poll.poll(wait_s))
        now_s = self._clock.monotonic()
        if self._bell.fileno() in ready:
            self._bell.heard()
        if now_s - self._welcomes_from_s >= 1.0:
            self._welcomes, self._welcomes_from_s = 0, now_s
        if self._listener.fileno() in ready:
            self._welcome(now_s)
        for descriptor, visitor in tuple(self._visitors.items()):
            if not visitor.turn(ready.get(descriptor, 0), now_s):
                self._part(descriptor)
            elif visitor.wants != self._wanted[descriptor]:
                self._wanted[descriptor] = visitor.wants
                self._poll.modify(descriptor, visitor.wants)
        self._watch_door()
        return _WATCH_S if self._visitors or not self._is_open else _LONGEST_WAIT_S

    def _welcome(self, now_s: float) -> None:
        """Let one in. Where there are too many, the one that has been silent for longest goes, or nobody comes in."""
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it is gone again, or there are no descriptors left: let a moment pass
            self._welcomes += MOST_WELCOMES
            return
        self._welcomes += 1
        if len(self._visitors) >= MOST_VISITORS:
            silent = next((one for one, visitor in self._visitors.items() if visitor.is_silent), None)
            if silent is None:
                connection.close()
                return
            self._part(silent)
        visitor = Visitor(connection, self._manners, now_s)
        self._visitors[visitor.descriptor] = visitor
        self._wanted[visitor.descriptor] = visitor.wants
        self._poll.register(visitor.descriptor, visitor.wants)

    def _watch_door(self) -> None:
        """Close the door for the rest of a second in which too many came."""
        is_open = self._welcomes < MOST_WELCOMES
        if is_open is not self._is_open:
            self._is_open = is_open
            self._poll.modify(self._listener, select.EPOLLIN if is_open else 0)

    def _part(self, descriptor: int) -> None:
        visitor = self._visitors.pop(descriptor)
        del self._wanted[descriptor]
        with suppress(OSError):
            self._poll.unregister(descriptor)
        visitor.close()

    def _close(self) -> None:
        for descriptor in tuple(self._visitors):
            self._part(descriptor)
        self._poll.close()
