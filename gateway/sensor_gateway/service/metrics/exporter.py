"""The metrics port as the daemon has it: opened, looked after, moved and closed, by the main thread."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Final

from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.service.health.examined import Examined
from sensor_gateway.service.metrics.desk import MetricsDesk, manners_of
from sensor_gateway.service.visitors.server import VisitorServer

TRIES_EVERY_S: Final = 30.0
_ENDS_WITHIN_S: Final = 0.5
_BACKLOG: Final = 32
_REMEDIES: Final = {
    errno.EADDRINUSE: "another program listens there: set `metrics.port`",
    errno.EADDRNOTAVAIL: "this machine has no such address: set `metrics.host`",
    errno.EACCES: "ports below 1024 are not for the gateway: set `metrics.port`",
    errno.EAFNOSUPPORT: "this machine has no such network: set `metrics.host`",
}


class Exporter:
    """For the main thread. Without its port the gateway runs as well: the log says so once, and it is tried again."""

    def __init__(self, examined: Examined, *, wake_publisher: Callable[[], None], clock: Clock, log: Log) -> None:
        """Nothing is opened yet."""
        self._clock = clock
        self._log = log
        self._bell = Bell()
        self._desk = MetricsDesk(examined, wake_publisher=wake_publisher, ring=self._bell.ring)
        self._section: MetricsSection | None = None
        self._listener: socket.socket | None = None
        self._server: VisitorServer | None = None
        self._thread: threading.Thread | None = None
        self._try_at_s = 0.0
        self._problem = ""

    def open(self, section: MetricsSection | None) -> str:
        """Listen there from now on, and nowhere else; None for not at all. A sentence where it cannot be, or empty."""
        if section != self._section:
            self.close()
            self._section = section
            self._try()
        return self._problem

    def turn(self) -> None:
        """Try again what could not be opened, and begin a thread that ended anew."""
        if self._listener is None:
            if self._section is not None and self._clock.monotonic() >= self._try_at_s:
                self._try()
        elif self._thread is not None and not self._thread.is_alive():
            self._serve(self._listener)

    def stop(self) -> None:
        """Answer nobody any more, without waiting for the thread: the end of the process gives the port back."""
        if self._server is not None:
            self._server.stop()

    def close(self) -> None:
        """Give the port back, and wait a moment for the thread."""
        self._section, self._problem = None, ""
        if self._listener is None:
            return
        self.stop()
        if self._thread is not None:
            self._thread.join(_ENDS_WITHIN_S)
        self._listener.close()
        self._listener = None

    def _try(self) -> None:
        section = self._section
        if section is None:
            return
        try:
            self._listener = _listening(section)
        except OSError as error:
            mind = _REMEDIES.get(error.errno or 0, "set `metrics.host` and `metrics.port`, or `metrics: false`")
            problem = f"the metrics port {section.address} cannot be opened, {error.strerror}: {mind}"
            self._try_at_s = self._clock.monotonic() + TRIES_EVERY_S
            if problem != self._problem:
                self._problem = problem
                self._log.error("metrics_not_open", address=section.address, reason=str(error.strerror), mind=mind)
            return
        self._problem = ""
        self._log.info("metrics_opened", address=section.address)
        self._serve(self._listener)

    def _serve(self, listener: socket.socket) -> None:
        self._server = VisitorServer(
            "metrics", listener, manners_of(self._desk), bell=self._bell, clock=self._clock, log=self._log
        )
        self._thread = threading.Thread(target=self._server.run, name="metrics", daemon=True)
        self._thread.start()


def _listening(section: MetricsSection) -> socket.socket:
    is_ip6 = ipaddress.ip_address(section.host).version == 6
    kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    listener = socket.socket(socket.AF_INET6 if is_ip6 else socket.AF_INET, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((section.host, section.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
