"""What a broker must be set to so that an absent subscriber misses nothing, even when the broker is killed.

The settings are those of docs/brokers.md, for mosquitto.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from proving.brokers.advised import advised_lines

from sensor_gateway.deduper import Deduper
from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = [pytest.mark.system]

EVENTS = "sensors/v1/greenhouse/events"
ROUND = 400


class KeptBroker:
    """mosquitto with the page's settings, in a directory of its own; ``other`` are lines in place of the page's."""

    def __init__(self, directory: Path, *other: str) -> None:
        self.port = free_port()
        lines = [*other, *(line for line in advised_lines() if line.split()[0] not in " ".join(other).split())]
        store = f"persistence_location {directory}/"
        lines = [store if line.startswith("persistence_location") else line for line in lines]
        # Started as root it would become another user, who cannot write here.
        lines += [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root"]
        self._file = directory / "mosquitto.conf"
        self._file.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_open(self.port, 10)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Logger:
    """A subscriber with a session that is kept, on MQTT 3.1.1. It writes down what it hears while it is there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.heard: list[dict[str, Any]] = []

    def visit(self, is_done: Callable[[], bool]) -> None:
        """Be there until ``is_done``, or until nothing more comes for a second and a half, and go without a goodbye."""
        client = Client(
            CallbackAPIVersion.VERSION2, client_id="logger", clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
        )
        subscribed = threading.Event()
        client.on_connect = lambda *_: client.subscribe(EVENTS, qos=1)
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = self._hear
        client.connect("127.0.0.1", self._port)
        quiet_s = time.monotonic()
        count = -1
        while not (subscribed.is_set() and (is_done() or time.monotonic() > quiet_s + 1.5)):
            client.loop(0.05)
            if count != len(self.heard):
                count, quiet_s = len(self.heard), time.monotonic()
            assert subscribed.is_set() or time.monotonic() < quiet_s + 15.0, "the broker takes no subscription"
        sock = client.socket()
        assert sock is not None
        sock.close()
        client.loop(0.01)
        client._reset_sockets()

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.extend(json.loads(message.payload))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the subscriber heard, and the seqs up to ``last`` that it never did."""

    heard: list[dict[str, Any]]
    lost: list[int]
    last: int


def outcome(broker: KeptBroker, rig: Callable[..., Any], *, rounds: int, is_calm: bool) -> Outcome:
    """The subscriber comes once and goes; the broker is killed in each round; the subscriber comes back.

    ``is_calm``: the kill comes when the broker has had a second since its last answer; otherwise in the stream.
    """
    broker.start()
    logger = Logger(broker.port)
    logger.visit(lambda: True)
    gateway = rig(broker.port).start()
    last = rounds * ROUND
    for end in range(ROUND, last + 1, ROUND):
        for count in range(end - ROUND + 10, end + 1, 10):
            gateway.put_values(10)
            assert not is_calm or gateway.until_acknowledged(count)  # more messages than a short queue takes
        wanted = end if is_calm else end - ROUND // 2
        assert gateway.until_acknowledged(wanted)
        if is_calm:
            time.sleep(1.0)
        broker.kill()
        broker.start()
    assert gateway.until_acknowledged(last)
    if not is_calm:
        time.sleep(1.0)
    logger.visit(lambda: len({event["seq"] for event in logger.heard}) == last)
    broker.kill()
    lost = sorted(set(range(1, last + 1)) - {event["seq"] for event in logger.heard})
    return Outcome(heard=logger.heard, lost=lost, last=last)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., KeptBroker]]:
    brokers: list[KeptBroker] = []

    def make(*other: str) -> KeptBroker:
        brokers.append(KeptBroker(tmp_path, *other))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.kill()


def test_an_absent_subscriber_misses_nothing_though_the_broker_is_killed(
    made: Callable[..., KeptBroker], rig: Callable[..., Any]
) -> None:
    assert outcome(made(), rig, rounds=2, is_calm=True).lost == []


@pytest.mark.parametrize(
    "others",
    [
        ("persistence false",),
        ("autosave_on_changes false", "autosave_interval 1800"),
        ("max_queued_messages 5",),
    ],
    ids=str,
)
def test_each_setting_is_needed(
    made: Callable[..., KeptBroker], rig: Callable[..., Any], others: tuple[str, ...]
) -> None:
    """Queues end at 1000 messages where nothing is said, and mosquitto saves each half hour."""
    assert outcome(made(*others), rig, rounds=1, is_calm=True).lost


def test_what_a_kill_within_the_stream_takes_is_one_stretch_at_most_and_is_found(
    made: Callable[..., KeptBroker], rig: Callable[..., Any]
) -> None:
    """mosquitto answers first and saves a moment later, so some may be lost. The subscriber can tell which."""
    found = outcome(made(), rig, rounds=3, is_calm=False)
    deduper = Deduper()
    for event in found.heard:
        deduper.offer(event)
    missing = deduper.missing("greenhouse", found.heard[0]["epoch"])
    assert [seq for first, last in missing for seq in range(first, last + 1)] == found.lost
    assert len(missing) <= 3, "one stretch for each kill"
