"""mosquitto as a process that can be killed and frozen, and a subscriber that writes everything down."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from proving.kills.gate import Gate
from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

EVENTS = "sensors/v1/house/events"
_MARK = "proof/mark"
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message as it was published. ``qos`` is the publisher's, up to 1."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    expiry_s: int | None


class Broker:
    """mosquitto behind a gate, which opens last, so that the subscriber is always back before the gateway is.

    ``heard`` holds the events that the broker delivered, in order; ``retained`` the newest payload of other topics;
    ``messages`` all that came, where ``keeps_messages``.
    """

    def __init__(self, directory: Path, *, keeps_messages: bool = False) -> None:
        self.port = free_port()
        self.door = Gate(self.port)
        self._recorder = _Recorder(self.port, keeps_messages=keeps_messages)
        self.heard = self._recorder.heard
        self.retained = self._recorder.retained
        self.messages = self._recorder.messages
        self._file = directory / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\npersistence false\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Up, with the subscriber first; returns when the gate is open."""
        program = "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", str(self._file)], stderr=subprocess.DEVNULL)
        wait_until_open(self.port, 10)
        self._recorder.start()
        self.door.open()

    def kill(self) -> None:
        """kill -9, once all that the gateway was told to be taken is with the subscriber: mosquitto keeps nothing."""
        self.door.shut()
        self.settle()
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._recorder.stop()

    def settle(self) -> None:
        """Return when the subscriber has all that the broker has acknowledged."""
        self._recorder.catch_up()

    def take(self) -> list[dict[str, Any]]:
        """The events that were heard since the last time; they are forgotten here."""
        taken = self.heard[: len(self.heard)]
        del self.heard[: len(taken)]
        return taken

    def freeze(self) -> None:
        """Hold the process as it is."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def told(self) -> str:
        """Whether its parts are as they should be, for whoever wonders why nothing comes."""
        is_up = self._process is not None and self._process.poll() is None
        return f"mosquitto runs: {is_up}; the subscriber listens: {self._recorder.is_listening}; {self.door.told()}"

    def stop(self) -> None:
        """End everything."""
        self.door.shut()
        self._recorder.stop()
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()


class _Recorder:
    """A subscriber with a persistent session, in a thread of its own."""

    def __init__(self, port: int, *, keeps_messages: bool) -> None:
        self.heard: list[dict[str, Any]] = []
        self.retained: dict[str, bytes] = {}
        self.messages: list[Heard] = []
        self._port = port
        self._keeps_messages = keeps_messages
        self._is_over = True
        self._is_subscribed = threading.Event()
        self._thread: threading.Thread | None = None
        self._marks = 0
        self._marks_heard = 0
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id="recorder", protocol=MQTTProtocolVersion.MQTTv5
        )
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.on_connect = lambda *_: client.subscribe([("sensors/#", options), (_MARK, options)])
        client.on_subscribe = lambda *_: self._is_subscribed.set()
        client.on_message = self._hear

    @property
    def is_listening(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self._is_over = False
        self._is_subscribed.clear()
        lasting = Properties(PacketTypes.CONNECT)
        lasting.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", self._port, keepalive=300, clean_start=False, properties=lasting)
        self._thread = threading.Thread(target=self._listen, name="recorder", daemon=True)
        self._thread.start()
        assert self._is_subscribed.wait(_PATIENCE_S), "the broker does not take the subscription"

    def catch_up(self) -> None:
        """What the broker has taken before a message of ours is heard before it."""
        self._marks += 1
        assert self._client.publish(_MARK, str(self._marks), qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        deadline_s = time.monotonic() + _PATIENCE_S
        while self._marks_heard < self._marks:
            assert time.monotonic() < deadline_s, "the broker does not give back what it has taken"
            time.sleep(0.002)

    def stop(self) -> None:
        self._is_over = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._client._reset_sockets()  # without a goodbye, and nothing is left to the garbage collection

    def _listen(self) -> None:
        while not self._is_over:
            if self._client.loop(0.2) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if self._keeps_messages and message.topic != _MARK:
            self.messages.append(
                Heard(
                    topic=message.topic,
                    payload=message.payload,
                    qos=message.qos,
                    retain=message.retain,
                    expiry_s=getattr(message.properties, "MessageExpiryInterval", None),
                )
            )
        if message.topic == EVENTS:
            self.heard.extend(json.loads(message.payload))
        elif message.topic == _MARK:
            self._marks_heard = max(self._marks_heard, int(message.payload))
        else:
            self.retained[message.topic] = message.payload
