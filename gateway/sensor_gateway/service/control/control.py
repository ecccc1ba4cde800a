"""The control socket as the daemon has it: opened, looked after, and closed, by the main thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.log import Log
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.service.assembly import Gateway
from sensor_gateway.service.control.desk import ControlBells, ControlDesk
from sensor_gateway.service.control.line import MOST_ASKED, asker_of, whole_line
from sensor_gateway.service.control.socket_file import listen, socket_file, take_away
from sensor_gateway.service.health.examined import Examined
from sensor_gateway.service.reload_requests.answer import ReloadAnswer
from sensor_gateway.service.visitors.server import VisitorServer
from sensor_gateway.service.visitors.visitor import Manners

_ENDS_WITHIN_S: Final = 0.5


def control_of(gateway: Gateway, environ: Mapping[str, str], state: Path, *, clock: Clock, log: Log) -> Control:
    """Where the gateway with this state directory is asked, not open yet."""
    file = socket_file(environ, state)
    return Control(file, gateway.survey, wake_publisher=gateway.publisher.wake, clock=clock, log=log)


def manners_of(desk: ControlDesk) -> Manners:
    """How one asks at the control socket."""
    return Manners(most=MOST_ASKED, whole=whole_line, asker=asker_of, begin=desk.begin)


class Control:
    """For the main thread. Without its socket the gateway runs as well, and the log says what is missing."""

    def __init__(
        self, file: Path, examined: Examined, *, wake_publisher: Callable[[], None], clock: Clock, log: Log
    ) -> None:
        """Nothing is opened yet."""
        self._file = file
        self._examined = examined
        self._wake_publisher = wake_publisher
        self._clock = clock
        self._log = log
        self._bell = Bell()
        self._listener: socket.socket | None = None
        self._inode = 0
        self._desk: ControlDesk | None = None
        self._server: VisitorServer | None = None
        self._thread: threading.Thread | None = None

    def open(self, *, ring: Callable[[], None]) -> None:
        """Listen. ``ring`` makes the main thread call ``turn``."""
        try:
            self._listener = listen(self._file)
            self._inode = self._file.lstat().st_ino
        except (OSError, OperatorError) as error:
            mind = "`sensor-gateway status` and `reload` find nobody; SIGHUP and the health topic work all the same"
            self._log.warning("control_not_open", file=str(self._file), reason=str(error), mind=mind)
            return
        bells = ControlBells(publisher=self._wake_publisher, main=ring, own=self._bell.ring)
        self._desk = ControlDesk(self._examined, bells=bells, log=self._log)
        self._serve(self._listener, self._desk)

    def turn(self, reload: Callable[[], ReloadAnswer]) -> None:
        """Reload if somebody asked for it, and begin a thread that ended anew."""
        if self._listener is None or self._desk is None:
            return
        if self._desk.reloads.serve(reload):
            self._bell.ring()
        if self._thread is not None and not self._thread.is_alive():
            self._serve(self._listener, self._desk)

    def close(self) -> None:
        """Take the socket away, and wait a moment for the thread."""
        if self._listener is None:
            return
        take_away(self._file, self._inode)
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join(_ENDS_WITHIN_S)
        self._listener.close()
        self._listener = None

    def _serve(self, listener: socket.socket, desk: ControlDesk) -> None:
        self._server = VisitorServer(
            "control", listener, manners_of(desk), bell=self._bell, clock=self._clock, log=self._log
        )
        self._thread = threading.Thread(target=self._server.run, name="control", daemon=True)
        self._thread.start()
