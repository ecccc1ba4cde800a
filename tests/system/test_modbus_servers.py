"""Modbus over TCP through the whole daemon: pymodbus as a server that is killed and comes back, and mosquitto."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess

from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]

SERVER = """
import asyncio, sys
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

def device(unit, value):
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    return SimDevice(id=unit, simdata=(bits, bits, [SimData(1, values=[value], datatype=DataType.REGISTERS)], bits))

async def serve():
    port, framer, *units = sys.argv[1:]
    devices = [device(int(unit), 200 + int(unit)) for unit in units]
    await ModbusTcpServer(devices, framer=FramerType(framer), address=("127.0.0.1", int(port))).serve_forever()

asyncio.run(serve())
"""


class ModbusServer:
    """pymodbus in a process of its own; the register of a unit holds 200 and its number."""

    def __init__(self, framer: str, *units: int) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-c", SERVER, str(self.port), framer, *map(str, units)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        wait_until_open(self.port, 20)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def servers() -> Iterator[tuple[ModbusServer, ModbusServer]]:
    """One that speaks Modbus TCP, with units that only that has, and one behind which is a serial line."""
    pair = ModbusServer("socket", 7, 255), ModbusServer("rtu", 7)
    yield pair
    for server in pair:
        server.kill()


CONFIG = """
gateway: {{id: house}}
mqtt: {{url: 'mqtt://127.0.0.1:{broker}', retry_max: 1s}}
clock: {{hold: 0s}}
buses:
  meters: {{type: modbus_tcp, host: 127.0.0.1, port: {mbap}}}
  barn: {{type: tcp, host: 127.0.0.1, port: {rtu}}}
defaults: {{interval: 200ms, heartbeat: 1s}}
sensors:
  hall: {{driver: modbus, bus: meters, unit: 7, {register}}}
  itself: {{driver: modbus, bus: meters, unit: 255, {register}}}
  hay: {{driver: modbus, bus: barn, unit: 7, {register}}}
"""
REGISTER = "registers: {level: {register: 1, type: u16, quantity: carbon_dioxide}}"
EXPECTED = {"hall": 207, "itself": 455, "hay": 207}


def availability(broker: Broker, sensor: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(broker.retained.get(f"sensors/v1/house/availability/{sensor}", b"{}"))
    return told


def newest(broker: Broker) -> dict[str, dict[str, Any]]:
    return {event["sensor"]: event for event in list(broker.heard) if event["type"] == "value"}


def test_servers_that_are_killed_and_come_back_are_read_again(
    broker: Broker, gateway: GatewayProcess, servers: tuple[ModbusServer, ModbusServer], wait_until: Wait
) -> None:
    mbap, rtu = servers
    gateway.config.write_text(
        CONFIG.format(broker=broker.door.port, mbap=mbap.port, rtu=rtu.port, register=REGISTER), "utf-8"
    )
    for server in servers:
        server.start()
    broker.start()
    gateway.start()
    wait_until(lambda: {name: event["value"] for name, event in newest(broker).items()} == EXPECTED)
    for server in servers:
        server.kill()
    wait_until(lambda: all(newest(broker)[name]["quality"] == "bad" for name in EXPECTED))
    wait_until(lambda: all(availability(broker, name).get("state") == "offline" for name in EXPECTED))
    assert {availability(broker, name)["code"] for name in EXPECTED} == {"missing"}
    assert "nobody listens there" in availability(broker, "hay")["reason"]
    rtu.start()
    wait_until(lambda: availability(broker, "hay")["state"] == "online")
    assert availability(broker, "hall")["state"] == "offline", "one server costs the other one nothing, and back"
    mbap.start()
    wait_until(lambda: {name: event["value"] for name, event in newest(broker).items()} == EXPECTED)
    reasons = [event["reason"] for event in broker.heard if event.get("sensor") == "itself"]
    assert "recovery" in reasons[reasons.index("fault") :]


def test_a_scan_tells_which_servers_can_be_reached(servers: tuple[ModbusServer, ModbusServer], tmp_path: Path) -> None:
    mbap, rtu = servers
    mbap.start()
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG.format(broker=1883, mbap=mbap.port, rtu=rtu.port, register=REGISTER), "utf-8")
    command = [sys.executable, "-m", "sensor_gateway", "scan", "--root", str(tmp_path), "--config", str(file)]
    page = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert page.returncode == 1
    lines = page.stdout.splitlines()
    assert f"  127.0.0.1:{mbap.port}  modbus_tcp  meters: hall (unit 7), itself (unit 255)" in lines
    assert f"  127.0.0.1:{rtu.port}  tcp  barn is missing: hay (unit 7)" in lines
    assert "nobody listens there" in page.stdout
    facts = json.loads(subprocess.run([*command, "--json"], capture_output=True, timeout=60, check=False).stdout)
    assert [(line["bus"], line["missing"]) for line in facts["network"]] == [("meters", False), ("barn", True)]
    assert facts["lost"] == ["hay"]


def test_a_simulation_plays_units_that_only_a_modbus_tcp_server_has(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    text = CONFIG.format(broker=1883, mbap=502, rtu=503, register=REGISTER).replace("unit: 7", "unit: 0", 1)
    file.write_text(text, "utf-8")
    command = [sys.executable, "-m", "sensor_gateway", "simulate", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
