"""What every serial line promises: the one in software, a port over a pseudo-terminal, a line behind TCP."""

from __future__ import annotations

import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import suppress

import pytest

from sensor_gateway.model.errors import BusMissing
from sensor_gateway.sensing.bus import SerialLine
from sensor_gateway.sensing.serial_port import PortSettings, SerialPort
from sensor_gateway.sensing.tcp.line import TcpLine, TcpSettings
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.serial_line import SimulatedLine, WiredSlave


class Parrot:
    """Says what it hears, with a mark behind it."""

    def hear(self, data: bytes, now_s: float) -> tuple[float, bytes] | None:
        return 0.02, data + b"!"


def parrot_terminal(controller: int) -> None:
    while True:
        try:
            heard = os.read(controller, 4096)
        except OSError:
            return
        os.write(controller, heard + b"!")


def parrot_server(listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            with listening.accept()[0] as peer:
                while heard := peer.recv(4096):
                    peer.sendall(heard + b"!")


def tcp_line() -> Iterator[SerialLine]:
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=parrot_server, args=(listening,), daemon=True).start()
    line = TcpLine("line", TcpSettings(host="127.0.0.1", port=listening.getsockname()[1]))
    yield line
    line.close()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture(params=["simulated", "terminal", "tcp"])
def line(request: pytest.FixtureRequest) -> Iterator[SerialLine]:
    """A closed line whose other end answers each write with itself and a mark."""
    if request.param == "simulated":
        yield SimulatedLine(
            "line", slaves=[WiredSlave(device=Parrot(), sensors=("parrot",))], clock=SystemClock(), faults=()
        )
        return
    if request.param == "tcp":
        yield from tcp_line()
        return
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    threading.Thread(target=parrot_terminal, args=(controller,), daemon=True).start()
    port = SerialPort("line", PortSettings(port=os.ttyname(terminal), baudrate=115200))
    yield port
    port.close()
    os.close(terminal)
    os.close(controller)


def read_all(line: SerialLine, count: int) -> bytes:
    """Reads as often as it takes, within two seconds."""
    content = b""
    deadline_s = time.monotonic() + 2.0
    while len(content) < count and time.monotonic() < deadline_s:
        content += line.read(0.5)
    return content


def test_opening_and_closing_twice_is_once(line: SerialLine) -> None:
    line.open()
    line.open()
    line.write(b"abc", 1.0)
    assert read_all(line, 4) == b"abc!"
    line.close()
    line.close()
    line.open()
    line.write(b"abc", 1.0)
    assert read_all(line, 4) == b"abc!"


def test_a_closed_line_is_missing(line: SerialLine) -> None:
    with pytest.raises(BusMissing):
        line.write(b"abc", 1.0)
    with pytest.raises(BusMissing):
        line.read(0.1)


def test_a_read_gives_nothing_when_nothing_comes(line: SerialLine) -> None:
    line.open()
    began_s = time.monotonic()
    assert line.read(0.1) == b""
    assert 0.09 < time.monotonic() - began_s < 1.0
    assert line.read(0.0) == b""


def test_a_read_does_not_wait_for_more_than_there_is(line: SerialLine) -> None:
    line.open()
    line.write(b"a", 1.0)
    began_s = time.monotonic()
    assert line.read(5.0).startswith(b"a")
    assert time.monotonic() - began_s < 2.0


def test_discarded_input_is_counted_and_gone(line: SerialLine) -> None:
    line.open()
    line.write(b"abc", 1.0)
    waiting = threading.Event()
    waiting.wait(0.2)
    assert line.discard() == 4
    assert line.read(0.05) == b""


def test_wake_frees_a_waiting_read_from_another_thread(line: SerialLine) -> None:
    line.open()
    threading.Timer(0.1, line.wake).start()
    began_s = time.monotonic()
    assert line.read(30.0) == b""
    assert time.monotonic() - began_s < 5.0
    line.write(b"abc", 1.0)
    assert read_all(line, 4) == b"abc!"


def test_wake_before_a_read_frees_the_read(line: SerialLine) -> None:
    line.open()
    line.wake()
    began_s = time.monotonic()
    assert line.read(30.0) == b""
    assert time.monotonic() - began_s < 5.0
