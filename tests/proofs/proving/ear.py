"""A broker of its own with an ear at it, and gateways that tell it how they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from proving.let_go import let_go
from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

UNPLUGGED = """\
faults:
- {sensor: s0, kind: nack, from: 3s}
"""
"""A scenario in which one sensor is pulled after three seconds."""


def small_config(name: str, port: int, *, sensors: int = 2, health_interval: str = "10s", bus: str = "") -> str:
    lines = [
        f"gateway: {{id: {name}, health_interval: {health_interval}}}",
        f"mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}",
        "clock: {hold: 0s}",
        "outbox: {keep_free: 0MB}",
        f"buses: {{wire: {{type: simulated, kind: i2c{bus}}}}}",
        "defaults: {interval: 500ms}",
        "sensors:",
        *(f"  s{number}: {{driver: tmp1075, bus: wire, address: {0x08 + number:#x}}}" for number in range(sensors)),
    ]
    return "\n".join(lines) + "\n"


class Ear:
    """A broker of its own, and the newest payload of each of its topics; ``said`` holds all health messages."""

    def __init__(self, directory: Path, *more: str) -> None:
        self.port = free_port()
        file = directory / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence false", *more]
        file.write_text("\n".join(lines) + "\n")
        self._process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(file)], stderr=subprocess.DEVNULL)
        wait_until_open(self.port, 10)
        self.retained: dict[str, bytes] = {}
        self.said: list[bytes] = []
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_connect = lambda *_: self.client.subscribe("sensors/#", 1)
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.retained[message.topic] = message.payload
        if message.topic.endswith("/health"):
            self.said.append(message.payload)

    def publish(self, topic: str, payload: str | bytes) -> None:
        self.client.publish(topic, payload, qos=1, retain=True).wait_for_publish(10)

    def health(self, gateway: str) -> dict[str, Any]:
        return json.loads(self.retained.get(f"sensors/v1/{gateway}/health", b"{}"))  # type: ignore[no-any-return]

    def close(self) -> None:
        let_go(self.client)
        self._process.kill()
        self._process.wait()
