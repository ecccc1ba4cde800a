"""A broker of our own on a loopback port, that can be stopped and started: for the demonstration.

The gateway reaches it through a door that is opened last, so that after an outage the subscriber is back before the
gateway is (a broker without stored sessions forgets what nobody has subscribed to).
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Literal, Protocol

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.service.demonstration.embedded_broker import EmbeddedBroker, is_installed
from sensor_gateway.service.demonstration.loopback_ports import free_port

_START_TIMEOUT_S = 10.0
_CHUNK = 65536


class _Life(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class LocalBroker:
    """mosquitto where it is installed, else the embedded one. ``port`` is for the subscriber."""

    def __init__(self, directory: Path, *, is_embedded: bool = False) -> None:
        """Keep the broker's configuration in ``directory``. OperatorError where no broker can be had.

        ``is_embedded``: the embedded one even where mosquitto is installed.
        """
        self.port = free_port()
        self._directory = directory
        self._mosquitto = None if is_embedded else shutil.which("mosquitto", path=_search_path())
        self._life: _Life | None = None
        if self._mosquitto is None and not is_installed():
            raise OperatorError(
                "no broker on this machine: sudo apt-get install mosquitto, or pip install 'sensor-gateway[demo]'"
            )

    @property
    def name(self) -> str:
        """Which broker it is."""
        return "mosquitto" if self._mosquitto else "the embedded Python broker"

    @property
    def version(self) -> Literal["auto", "3.1.1"]:
        """The protocol to speak. amqtt knows 3.1.1 alone, and leaves a CONNECT of MQTT 5 with a will unanswered."""
        return "auto" if self._mosquitto else "3.1.1"

    def start(self) -> None:
        """Bring it up; returns when its port answers."""
        if self._mosquitto is not None:
            self._life = _Mosquitto(self._mosquitto, self._directory, self.port)
        else:
            self._life = EmbeddedBroker(self.port)
        self._life.start()

    def stop(self) -> None:
        """Take it down with every connection; harmless when it is down."""
        if self._life is not None:
            self._life.stop()
            self._life = None


class _Mosquitto:
    def __init__(self, program: str, directory: Path, port: int) -> None:
        self._program = program
        self._file = directory / "mosquitto.conf"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._file.write_text(
            f"listener {self._port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 100000\n"
        )
        self._process = subprocess.Popen(  # noqa: S603 - the path comes from the search path, the file is ours
            [self._program, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_open(self._port, _START_TIMEOUT_S)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_START_TIMEOUT_S)


class Door:
    """A loopback port that leads to the broker while it is open, and refuses while it is shut."""

    def __init__(self, target: int) -> None:
        """Lead to 127.0.0.1:``target``; shut at first."""
        self.port = free_port()
        self._target = target
        self._stop: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Let connections through."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self._stop, stopped = socket.socketpair()
        self._thread = threading.Thread(target=_carry, args=(listener, stopped, self._target), daemon=True)
        self._thread.start()

    def shut(self) -> None:
        """Cut what is connected, and refuse from now on."""
        if self._stop is not None and self._thread is not None:
            self._stop.close()
            self._thread.join()
            self._stop = self._thread = None


def _carry(listener: socket.socket, stopped: socket.socket, target: int) -> None:
    pairs: dict[socket.socket, socket.socket] = {}
    with selectors.DefaultSelector() as selector, listener, stopped:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stopped, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                end = key.fileobj
                if end is stopped:
                    for connection in pairs:
                        connection.close()
                    return
                if end is listener:
                    _connect(listener, target, pairs, selector)
                elif isinstance(end, socket.socket) and end in pairs and not _pass_on(end, pairs[end]):
                    for connection in (end, pairs.pop(end)):
                        selector.unregister(connection)
                        pairs.pop(connection, None)
                        connection.close()


def _connect(
    listener: socket.socket,
    target: int,
    pairs: dict[socket.socket, socket.socket],
    selector: selectors.BaseSelector,
) -> None:
    near, _ = listener.accept()
    try:
        far = socket.create_connection(("127.0.0.1", target))
    except OSError:
        near.close()
        return
    for one, other in ((near, far), (far, near)):
        pairs[one] = other
        selector.register(one, selectors.EVENT_READ)


def _pass_on(source: socket.socket, sink: socket.socket) -> bool:
    try:
        data = source.recv(_CHUNK)
        sink.sendall(data)
    except OSError:
        return False
    return bool(data)


def wait_until_open(port: int, timeout_s: float) -> None:
    """Return when 127.0.0.1:``port`` answers; TimeoutError when it does not in time."""
    clock = threading.Event()
    for _ in range(int(timeout_s * 50)):
        try:
            with socket.create_connection(("127.0.0.1", port)):
                return
        except OSError:
            clock.wait(0.02)
    raise TimeoutError(f"nothing answers on 127.0.0.1:{port} within {timeout_s:g} s")


def _search_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
