"""Loopback ports for what is started here and is away at times: nobody else is given one of them meanwhile.

A port that nobody holds may be found by two programs at once. So they go by blocks: a block is its process's own as
long as that holds the abstract Unix socket of the block's name, which the kernel ends with the process, and which is
known as far as the ports are: within a network namespace (unix(7), "Abstract sockets").
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections import deque

from sensor_gateway.model.errors import OperatorError

BLOCK = 20
"""Ports of one block."""
QUIET_PORTS = range(20000, 32000)
"""Below ``ip_local_port_range``, 32768 by default: the system hands out none of them by itself."""
_NAME = "\0sensor-gateway-loopback-ports-{}"


class LoopbackPorts:
    """The ports of one process. Each is given out once, and to one process alone until this one ends."""

    def __init__(self) -> None:
        """Hold no block until the first port is asked for."""
        self._claims: list[int] = []
        self._left: deque[int] = deque()

    def take(self) -> int:
        """A port that nobody listens on. OperatorError where none is free."""
        while True:
            try:
                port = self._left.popleft()
            except IndexError:
                self._left.extend(self._claim())
                continue
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port

    def close(self) -> None:
        """Give the blocks back."""
        self._left.clear()
        while self._claims:
            os.close(self._claims.pop())

    def _claim(self) -> range:
        blocks = range(QUIET_PORTS.start, QUIET_PORTS.stop, BLOCK)
        for first in random.SystemRandom().sample(blocks, len(blocks)):
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(_NAME.format(first))
            except OSError:
                claim.close()
                continue
            self._claims.append(claim.detach())  # the kernel closes it with the process, and nobody is to be warned
            return range(first, first + BLOCK)
        raise OperatorError("no loopback port is free between 20000 and 32000: end what listens there")


_OURS = LoopbackPorts()


def free_port() -> int:
    """A loopback port that nobody listens on, and that nobody else is given before this process ends."""
    return _OURS.take()
