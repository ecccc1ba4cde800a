"""Messages through mosquitto, on both versions of MQTT: what it says of them, and what its access list forbids."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from proving.let_go import let_go

from sensor_gateway.publishing.incoming import Incoming, Reply, Said
from sensor_gateway.service.demonstration.local_broker import wait_until_open

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
TOPIC = "sensors/v1/greenhouse/command/read"

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not Path(MOSQUITTO).exists(), reason="needs mosquitto"),
]

Rigs = Callable[..., Any]


class Ear:
    """Answers each message with its payload, where it wants the answer."""

    topics = ("sensors/v1/greenhouse/command/+",)

    def __init__(self) -> None:
        self.heard: list[Incoming] = []

    def hear(self, incoming: Incoming, now_s: float, _now: Any) -> Sequence[Said]:
        self.heard.append(incoming)
        topic = incoming.response_topic or "answers"
        return [Reply(topic=topic, payload=incoming.payload, correlation=incoming.correlation, until_s=now_s + 10)]

    def tend(self, _now_s: float, _now: Any) -> Sequence[Said]:
        return ()

    def wait_s(self, _now_s: float) -> float:
        return inf


class Asker:
    """A client that publishes, and hears the answers."""

    def __init__(self, port: int) -> None:
        self.answers: list[mqtt.MQTTMessage] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        subscribed = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe([("answers", 1), ("r/#", 1)])
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = lambda _client, _data, message: self.answers.append(message)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(5)

    def ask(self, payload: bytes, *, retain: bool = False, **values: Any) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in values.items():
            setattr(properties, name, value)
        self.client.publish(TOPIC, payload, 1, retain, properties).wait_for_publish(5)

    def stop(self) -> None:
        let_go(self.client)


@pytest.fixture
def start_broker(tmp_path: Path, free_port: int) -> Iterator[Callable[..., int]]:
    """Starts mosquitto; its access list forbids listening where told."""
    made: list[subprocess.Popen[bytes]] = []

    def start(*, deaf: bool = False) -> int:
        acl = tmp_path / "acl"
        acl.write_text("topic write #\ntopic read sensors/none\n" if deaf else "topic readwrite #\n")
        acl.chmod(0o600)
        conf = tmp_path / "mosquitto.conf"
        lines = ["user root", "allow_anonymous true", "persistence false", f"acl_file {acl}"]
        conf.write_text("\n".join([f"listener {free_port} 127.0.0.1", *lines]) + "\n")
        made.append(subprocess.Popen([MOSQUITTO, "-c", str(conf)], stderr=subprocess.DEVNULL))
        wait_until_open(free_port, 10)
        return free_port

    yield start
    for process in made:
        process.kill()
        process.wait()


@pytest.fixture
def asker() -> Iterator[Callable[[int], Asker]]:
    made: list[Asker] = []

    def make(port: int) -> Asker:
        made.append(Asker(port))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_message_comes_and_is_answered(rig: Rigs, start_broker: Any, asker: Any, version: str) -> None:
    port = start_broker()
    ear = Ear()
    publisher = rig(port, listeners=(ear,), version=version).start()
    someone = asker(port)
    assert publisher.until(lambda: publisher.publisher.counters.connections)
    assert publisher.until(lambda: someone.ask(b"hi", ResponseTopic="r/1", CorrelationData=b"\xff\0") or ear.heard)
    assert publisher.until(lambda: someone.answers)
    heard, answer = ear.heard[0], someone.answers[0]
    assert (heard.topic, heard.payload, heard.is_retained) == (TOPIC, b"hi", False)
    if version == "5":
        assert (answer.topic, answer.payload) == ("r/1", b"hi")
        assert answer.properties.CorrelationData == b"\xff\0"
    else:
        assert (heard.response_topic, heard.correlation, heard.expiry_s) == (None, None, None)
        assert (answer.topic, answer.payload) == ("answers", b"hi")
    publisher.put_values(5)
    assert publisher.until_acknowledged(5)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_the_broker_had_kept_says_so_and_how_long_it_lives(
    rig: Rigs, start_broker: Any, asker: Any, version: str
) -> None:
    port = start_broker()
    asker(port).ask(b"old", retain=True, MessageExpiryInterval=60)
    ear = Ear()
    publisher = rig(port, listeners=(ear,), version=version).start()
    assert publisher.until(lambda: ear.heard)
    assert ear.heard[0].is_retained
    assert ear.heard[0].expiry_s is None if version == "3.1.1" else 50 <= (ear.heard[0].expiry_s or inf) <= 60


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_broker_whose_access_list_forbids_listening_gets_every_event(
    rig: Rigs, start_broker: Any, asker: Any, version: str
) -> None:
    """mosquitto's access list grants any subscription, and then delivers nothing of it."""
    port = start_broker(deaf=True)
    ear = Ear()
    publisher = rig(port, listeners=(ear,), version=version).start()
    publisher.put_values(5)
    assert publisher.until_acknowledged(5)
    asker(port).ask(b"hi")
    publisher.put_values(5)
    assert publisher.until_acknowledged(10)
    assert not ear.heard


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_retained_message_above_our_limit_ends_nothing_for_long(
    rig: Rigs, start_broker: Any, asker: Any, version: str
) -> None:
    """An MQTT 5 broker keeps it from us; a 3.1.1 broker sends it, to each connection."""
    port = start_broker()
    asker(port).ask(b"x" * 2_000_000, retain=True)
    ear = Ear()
    publisher = rig(port, listeners=(ear,), version=version).start()
    publisher.put_values(50)
    assert publisher.until_acknowledged(50)
    if version == "3.1.1":
        assert publisher.until(lambda: "listening_suspended" in publisher.log.names()), publisher.log.lines
    publisher.put_values(50)
    assert publisher.until_acknowledged(100)
    assert publisher.publisher.counters.connections == (4 if version == "3.1.1" else 1)
    assert not ear.heard
