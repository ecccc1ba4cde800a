"""A whole gateway as a process that takes commands, behind a mosquitto with users and an access list."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from proving.kills.gateway import GatewayProcess
from proving.let_go import let_go

from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"
COMMAND = "sensors/v1/greenhouse/command/"
PASSWORD = "only-here"  # noqa: S105 - of a broker that lives for one test


def blocks(kind: str) -> list[str]:
    """The code blocks of this kind on the page, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


class House:
    """The broker of the page, and the gateway of the page with simulated sensors."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        (directory / "acl").write_text(blocks("acl")[0])
        passwords = directory / "passwords"
        passwords.touch(mode=0o600)
        for user in ("greenhouse", "operator", "guest"):
            subprocess.run(
                ["mosquitto_passwd", "-b", str(passwords), user, PASSWORD], check=True, stderr=subprocess.DEVNULL
            )
        conf = directory / "mosquitto.conf"
        conf.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\nuser root\nmax_queued_messages 1000000\n"
            f"password_file {passwords}\nacl_file {directory / 'acl'}\n"
        )
        self._broker = subprocess.Popen([MOSQUITTO, "-c", str(conf)], stderr=subprocess.DEVNULL)
        wait_until_open(self.port, 10)
        secret = directory / "mqtt-password"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        config = blocks("yaml")[0].replace("mqtt://broker.lan", f"mqtt://127.0.0.1:{self.port}")
        config += (
            "clock: {hold: 0s}\noutbox: {keep_free: 0MB}\nbuses: {wire: {type: simulated, kind: i2c}}\n"
            "sensors:\n"
            "  attic: {driver: tmp1075, bus: wire, interval: 1h, channels: {temperature: {deadband: 0}}}\n"
            "  bench: {driver: tmp1075, bus: wire, address: 0x49, interval: 100ms}\n"
        )
        self.gateway = GatewayProcess(directory, config)
        self.gateway.start()

    def named(self, event: str) -> list[dict[str, object]]:
        return [entry for entry in self.gateway.entries() if entry.get("event") == event]

    def stop(self) -> None:
        if self.gateway.is_running:
            self.gateway.kill()
        self._broker.kill()
        self._broker.wait()


class Operator:
    """Who may publish commands, and hears all that the gateway says."""

    def __init__(self, port: int, version: mqtt.MQTTProtocolVersion) -> None:
        self.is_v5 = version == mqtt.MQTTv5
        self.answers: list[dict[str, Any]] = []
        self.seqs: list[int] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=version)
        self.client.max_queued_messages_set(0)
        self.client.username_pw_set("operator", PASSWORD)
        subscribed = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe([("sensors/v1/#", 1), ("answers/#", 1)])
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(10)

    def _hear(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/events"):
            self.seqs += [event["seq"] for event in json.loads(message.payload) if "seq" in event]
        elif "/response/" in message.topic or message.topic.startswith("answers/"):
            self.answers.append(json.loads(message.payload))

    def ask(self, name: str, payload: object, *, retain: bool = False, response_topic: str | None = None) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload)
        properties = None
        if response_topic is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic = response_topic
        self.client.publish(COMMAND + name, data, 1, retain, properties)

    def named(self, transaction: str) -> list[dict[str, Any]]:
        return [answer for answer in [*self.answers] if answer["transaction"] == transaction]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.stop()


@pytest.fixture(scope="session")
def page_blocks() -> object:
    return blocks


@pytest.fixture(params=[mqtt.MQTTv5, mqtt.MQTTv311], ids=["5", "3.1.1"])
def operator(request: pytest.FixtureRequest, house: House) -> Iterator[Operator]:
    operator = Operator(house.port, request.param)
    yield operator
    let_go(operator.client)
