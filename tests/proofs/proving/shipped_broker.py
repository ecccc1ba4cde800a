"""mosquitto with the configuration and the access list that ship, on a port and with certificates of the test's."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from proving.certificates import Authority, Pair
from proving.let_go import let_go
from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "mosquitto"
PROGRAM = "/usr/sbin/mosquitto"


class ShippedBroker:
    """``change`` gets the text of the configuration, and gives what is run."""

    def __init__(self, folder: Path, authority: Authority, *, change: Callable[[str], str] = str) -> None:
        self.port = free_port()
        self.authority = authority
        self.store = folder / "store"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.store.mkdir(parents=True)
        pair = authority.sign("broker")
        text = (SHIPPED / "mosquitto.conf").read_text("utf-8")
        text = text.replace("listener 8883", f"listener {self.port} 127.0.0.1\nuser root")
        text = text.replace("/var/lib/mosquitto/", f"{self.store}/")
        for name, file in {
            "/etc/mosquitto/sensor-gateway.acl": SHIPPED / "acl",
            "/etc/mosquitto/certs/ca.pem": authority.file,
            "/etc/mosquitto/certs/broker.pem": pair.certificate,
            "/etc/mosquitto/certs/broker.key": pair.key,
            "/etc/mosquitto/sensor-gateway.passwords": folder / "passwords",
        }.items():
            text = text.replace(name, str(file))
        self._file = folder / "mosquitto.conf"
        self._file.write_text(change(text), "utf-8")

    def start(self) -> ShippedBroker:
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", str(self._file)], stdout=log, stderr=log)
        wait_until_open(self.port, 10)
        return self

    @property
    def log(self) -> str:
        return (self._folder / "mosquitto.log").read_text("utf-8")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(1)


def with_passwords(text: str) -> str:
    """What the configuration's own remark says is to be done for passwords, without encryption."""
    text = text.replace("require_certificate true", "").replace("use_identity_as_username true", "")
    text = re.sub(r"^(cafile|certfile|keyfile|tls_version).*$", "", text, flags=re.MULTILINE)
    return text.replace("#password_file", "password_file")


class Person:
    """A client of MQTT 5 with a name. ``heard`` holds topics and payloads."""

    def __init__(self, port: int, *, authority: Authority | None = None, pair: Pair | None = None) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.refused = ""
        self._answers: dict[int, int] = {}
        self._granted: list[ReasonCode] | None = None
        self._is_connected = threading.Event()
        self._port = port
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if authority is not None and pair is not None:
            self.client.tls_set(str(authority.file), str(pair.certificate), str(pair.key))
        self.client.on_connect = self._connected
        self.client.on_publish = lambda _c, _d, mid, reason, _p: self._answers.__setitem__(mid, reason.value)
        self.client.on_subscribe = lambda _c, _d, _m, reasons, _p: setattr(self, "_granted", reasons)
        self.client.on_message = self._hear

    def _connected(self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _more: object) -> None:
        self.refused = str(reason) if reason.is_failure else ""
        self._is_connected.set()

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload))

    def connect(self) -> Person:
        self.client.connect("127.0.0.1", self._port)
        self.client.loop_start()
        assert self._is_connected.wait(10)
        return self

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> int:
        """The reason in the broker's PUBACK."""
        info = self.client.publish(topic, payload, 1, retain)
        _until(lambda: info.mid in self._answers)
        return self._answers[info.mid]

    def subscribe(self, topic: str) -> int:
        """The reason in the broker's SUBACK."""
        self._granted = None
        self.client.subscribe(topic, 1)
        _until(lambda: self._granted is not None)
        assert self._granted is not None
        return int(self._granted[0].value)

    def events(self, gateway: str) -> list[dict[str, Any]]:
        return [
            event
            for topic, payload in list(self.heard)
            if topic == f"sensors/v1/{gateway}/events"
            for event in json.loads(payload)
        ]

    def close(self) -> None:
        let_go(self.client)


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "the broker does not answer"
        time.sleep(0.005)
