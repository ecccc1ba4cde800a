"""A control server whose turns the test takes, on a clock that the test moves."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proving.visited import FakeClock, FakeExamined, FakeLog

from sensor_gateway.model.reading import ClockState
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import (
    BusCondition,
    BytesWritten,
    Health,
    LinkHealth,
    LinkState,
    LostEvents,
    SensorCounts,
)
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.service.control.control import manners_of
from sensor_gateway.service.control.desk import ControlBells, ControlDesk
from sensor_gateway.service.control.socket_file import connect, listen
from sensor_gateway.service.visitors.server import VisitorServer

AT = Rfc3339("2026-11-23T16:00:00.123Z")


def health(gateway: str = "greenhouse") -> Health:
    bus = BusCondition(state=BusState.ALIVE, load=None, error_rate=None, transfers=0, errors=0, missed=0, put_off=0)
    return Health(
        time=AT,
        clock=ClockState.SYNCED,
        gateway=gateway,
        instance="0123abcd",
        boot="1b4e28ba",
        version="0.1.0",
        python="3.11.7",
        uptime_s=60,
        interval_s=60.0,
        link=LinkHealth(state=LinkState.CONNECTED, since=AT, reason="", protocol="5"),
        reconnects=0,
        buffered=0,
        oldest=None,
        full_in_s=None,
        sent=0,
        acknowledged=0,
        no_subscriber=0,
        lost_total=0,
        lost=LostEvents(),
        purged=0,
        bytes_written=BytesWritten(total=None, per_day=None),
        alarms=(),
        sensor_counts=SensorCounts(),
        buses={"i2c1": bus},
        sensors={},
    )


class House:
    def __init__(self, directory: Path) -> None:
        self.file = directory / "control.sock"
        self.clock, self.examined, self.log = FakeClock(), FakeExamined(), FakeLog()
        self.rung: list[str] = []
        bell = Bell()
        bells = ControlBells(
            publisher=lambda: self.rung.append("publisher"), main=lambda: self.rung.append("main"), own=bell.ring
        )
        self.desk = ControlDesk(self.examined, bells=bells, log=self.log)
        self.listener = listen(self.file)
        manners = manners_of(self.desk)
        self.server = VisitorServer("control", self.listener, manners, bell=bell, clock=self.clock, log=self.log)
        self.clients: list[socket.socket] = []

    def client(self, said: bytes = b"") -> socket.socket:
        connection = connect(self.file, 5.0)
        connection.settimeout(0)
        self.clients.append(connection)
        if said:
            connection.sendall(said)
        return connection

    def turns(self, number: int = 5, *, passed_s: float = 0.0) -> None:
        self.clock.now_s += passed_s
        for _ in range(number):
            self.server.step(0.0)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.server.stop()
        self.server.run()
        self.listener.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def heard(client: socket.socket) -> dict[str, Any] | None:
    """The whole answer; None where there is none yet. EOFError where the server hung up without one."""
    data = b""
    try:
        while piece := client.recv(65_536):
            data += piece
    except BlockingIOError:
        return json.loads(data) if data.endswith(b"\n") else None
    if not data:
        raise EOFError
    return dict(json.loads(data))


@pytest.fixture(scope="session")
def talk() -> SimpleNamespace:
    return SimpleNamespace(
        heard=heard, health=health, STATUS=b'{"request":"status"}\n', RELOAD=b'{"request":"reload"}\n'
    )
