"""One broker as a process that can be killed and frozen, and a subscriber that writes down what it hears."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from proving.brokers.kinds import Kind, Setting
from proving.let_go import let_go
from sensor_gateway.service.demonstration.local_broker import wait_until_open

_PATIENCE_S = 15.0


class BrokerProcess:
    """Life after life of one broker, on one port, with one folder to keep things in."""

    def __init__(self, kind: Kind, setting: Setting) -> None:
        self.kind = kind
        self.port = setting.port
        self.user = kind.user if setting.is_advised else None
        self._command = kind.command(setting)
        self._log = setting.folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> BrokerProcess:
        """Up; returns when the port answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        try:
            wait_until_open(self.port, _PATIENCE_S)
        except TimeoutError as error:
            self.kill()
            raise AssertionError(self._log.read_text("utf-8")) from error
        return self

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9; harmless when it is down."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE_S)
            self._process = None


class Listener:
    """A subscriber, in a thread of its own. ``lasting``: in a session that the broker is asked to keep.

    ``subscriptions`` counts those that the broker has taken, one for each connection.
    """

    def __init__(
        self,
        port: int,
        name: str,
        *,
        topic: str = "sensors/#",
        is_v5: bool = True,
        lasting: bool = False,
        user: str | None = None,
    ) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self._port = port
        self._name = name
        self._topic = topic
        self._is_v5 = is_v5
        self._lasting = lasting
        self._user = user
        self.subscriptions = 0
        self.come()

    def come(self) -> None:
        """Connect (again), with a new client, and subscribe."""
        before = self.subscriptions
        more: dict[str, Any] = {} if self._is_v5 else {"clean_session": not self._lasting}
        self._client = client = _client(self._name, is_v5=self._is_v5, user=self._user, **more)
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda *_: client.subscribe(self._topic, 1)
        client.on_subscribe = self._note
        client.on_message = self._hear
        if self._is_v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600 if self._lasting else 0
            client.connect("127.0.0.1", self._port, clean_start=not self._lasting, properties=properties)
        else:
            client.connect("127.0.0.1", self._port)
        client.loop_start()
        until(lambda: self.subscriptions > before)

    def leave(self) -> None:
        """Disconnect in order."""
        let_go(self._client)

    @property
    def seqs(self) -> list[int]:
        """Of the stream, as they came."""
        found = [body for topic, body, _ in list(self.messages) if topic.endswith("/events")]
        return [entry["seq"] for body in found for entry in json.loads(body)]

    def payloads(self, end: str) -> list[bytes]:
        return [body for topic, body, _ in list(self.messages) if topic.endswith(end)]

    def states(self, end: str) -> list[str]:
        return [json.loads(body)["state"] for body in self.payloads(end)]

    def last(self, end: str) -> dict[str, Any]:
        return json.loads(self.payloads(end)[-1])  # type: ignore[no-any-return]

    def _note(self, *_arguments: object) -> None:
        self.subscriptions += 1

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic, message.payload, message.retain))


def publish_numbers(broker: BrokerProcess, topic: str, count: int, *, window: int = 20) -> None:
    """Publish 0, 1, ... at QoS 1, each of them acknowledged with success when this returns."""
    answered: list[bool] = []
    client = _client("counter", is_v5=broker.kind.speaks_5, user=broker.user)
    client.on_publish = lambda _client, _data, _mid, reason, _properties: answered.append(not reason.is_failure)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    until(client.is_connected)
    for number in range(count):
        assert client.publish(topic, str(number), 1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        if number % window == window - 1:
            until(lambda: len(answered) > number)  # noqa: B023 - called before it changes
    until(lambda: len(answered) == count)
    let_go(client)
    assert all(answered)


def _client(name: str, *, is_v5: bool, user: str | None, **more: Any) -> Client:
    protocol = MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol, **more)
    client.on_socket_open = _send_at_once
    if user is not None:
        client.username_pw_set(user)
    return client


def _send_at_once(_client: Client, _data: object, sock: socket.socket) -> None:
    """Small packets must not wait for the acknowledgement of earlier ones: it would be 40 ms each time."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def until(condition: Callable[[], bool], seconds: float = _PATIENCE_S) -> None:
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass in time"
        time.sleep(0.005)


def settled(count: Callable[[], int], *, quiet_s: float = 0.5, least: int = 0, seconds: float = _PATIENCE_S) -> int:
    """The count once it has not changed for so long, or once it has reached ``least``."""
    deadline_s = time.monotonic() + seconds
    last, since_s = count(), time.monotonic()
    while time.monotonic() < deadline_s:
        now = count()
        if least and now >= least:
            return now
        if now != last:
            last, since_s = now, time.monotonic()
        elif time.monotonic() - since_s >= quiet_s:
            return now
        time.sleep(0.005)
    return last
