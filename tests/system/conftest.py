"""The whole gateway as a process, a broker that can be killed, and a subscriber that writes everything down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.subscriber import Subscriber
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.service.demonstration.local_broker import Door, free_port, wait_until_open

PREFIX = "sensors/v1/house"


class Broker:
    """mosquitto behind a door that the gateway comes through last, so that a subscriber is always back before it."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.door = Door(self.port)
        self.heard: list[dict[str, Any]] = []
        self.retained: dict[str, bytes] = {}
        self._file = directory / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence false\n"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._is_over = False

    def start(self) -> None:
        program = "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", str(self._file)], stderr=subprocess.DEVNULL)
        wait_until_open(self.port, 10)
        settings = BrokerSettings(host="127.0.0.1", port=self.port, client_id="")
        subscriber = Subscriber(settings, ["sensors/#"], self._hear, dial=dial)
        subscriber.connect()
        self._listener = threading.Thread(target=self._listen, args=(subscriber,), daemon=True)
        self._listener.start()
        self.door.open()

    def kill(self) -> None:
        self.door.shut()
        assert self._process is not None
        # What the broker has taken stands in the subscriber's socket by now, or in nobody's.
        time.sleep(0.2)
        self._process.kill()
        self._process.wait()
        if self._listener is not None:
            self._listener.join(5)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._is_over = True
        self.door.shut()
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()

    def _listen(self, subscriber: Subscriber) -> None:
        while subscriber.listen(0.5) and not self._is_over:
            pass
        subscriber.close()

    def _hear(self, topic: str, payload: bytes) -> None:
        if topic == f"{PREFIX}/events":
            self.heard.extend(json.loads(payload))
        else:
            self.retained[topic] = payload


class GatewayProcess:
    """``sensor-gateway run`` on simulated buses."""

    def __init__(self, directory: Path, config: str) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.config = directory / "gateway.yaml"
        self.config.write_text(config)
        (directory / "hot").mkdir(exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = {**os.environ, "RUNTIME_DIRECTORY": str(self.directory / "hot")}
        command = [
            sys.executable, "-m", "sensor_gateway", "run",
            "--config", str(self.config), "--state-directory", str(self.directory / "state"),
        ]  # fmt: skip
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environ)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> tuple[int, float]:
        assert self.process is not None
        began_s = time.monotonic()
        self.process.terminate()
        code = self.process.wait(30)
        return code, time.monotonic() - began_s

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


def house_config(port: int, sensors: int = 20, interval: str = "200ms") -> str:
    lines = [
        "gateway: {id: house}",
        f"mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}",
        "clock: {hold: 0s}",
        "outbox: {keep_free: 0MB, drain_rate: 0, spill_after: 1s, flush_every: 500ms}",
        "buses: {wire: {type: simulated, kind: i2c}}",
        f"defaults: {{interval: {interval}, heartbeat: 5s}}",
        "sensors:",
    ]
    channels = "channels: {temperature: {deadband: 0}}"
    lines += [
        f"  s{number}: {{driver: tmp1075, bus: wire, address: {0x08 + number:#x}, {channels}}}"
        for number in range(sensors)
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def gateway(tmp_path: Path, broker: Broker) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path, house_config(broker.door.port))
    yield process
    if process.process is not None and process.process.poll() is None:
        process.kill()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
        deadline_s = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline_s, "it did not come to pass in time"
            time.sleep(0.02)

    return wait
