"""The publisher against mosquitto, set up as each test needs it. What holds with every broker: test_brokers.py."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.brokers.process import Listener

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not Path(MOSQUITTO).exists(), reason="needs mosquitto"),
]

Rigs = Callable[..., Any]


class Mosquitto:
    """A broker on a port of its own, with a configuration of its own."""

    def __init__(self, folder: Path, port: int, *lines: str) -> None:
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(*lines)

    def configure(self, *lines: str) -> None:
        text = [
            f"listener {self.port} 127.0.0.1",
            "user root",
            "persistence false",
            *(lines or ("allow_anonymous true",)),
        ]
        (self._folder / "mosquitto.conf").write_text("\n".join(text) + "\n", "utf-8")

    def start(self) -> Mosquitto:
        log = (self._folder / "mosquitto.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._folder / "mosquitto.conf")], stdout=log, stderr=log
            )
        for _ in range(400):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
                return self
            threading.Event().wait(0.01)
        raise AssertionError((self._folder / "mosquitto.log").read_text("utf-8"))

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path, free_port).start()
    yield mosquitto
    mosquitto.kill()


@pytest.fixture
def listen() -> Iterator[Callable[[int], Listener]]:
    made: list[Listener] = []

    def make(port: int) -> Listener:
        made.append(Listener(port, f"listener-{len(made)}"))
        return made[-1]

    yield make
    for listener in made:
        listener.leave()


def test_events_that_nobody_would_hear_are_kept_where_that_is_wanted(
    broker: Mosquitto, rig: Rigs, listen: Callable[[int], Listener]
) -> None:
    gateway = rig(broker.port, stream={"hold_when_no_subscriber": True}).start()
    gateway.put_values(20)
    assert gateway.until(lambda: gateway.publisher.counters.held >= 2)
    gateway.put_values(20, first=20.0)
    assert not gateway.outbox.acknowledged
    listener = listen(broker.port)
    assert gateway.until_acknowledged(40)
    assert gateway.until(lambda: len(listener.seqs) >= 40)
    assert listener.seqs == list(range(1, 41))
    assert gateway.publisher.counters.no_subscriber == 0


def test_control_without_the_wish_they_are_given_to_nobody(
    broker: Mosquitto, rig: Rigs, listen: Callable[[int], Listener]
) -> None:
    gateway = rig(broker.port).start()
    gateway.put_values(20)
    assert gateway.until_acknowledged(20)
    assert gateway.publisher.counters.no_subscriber == 20
    assert not listen(broker.port).seqs


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_bare_states_are_numbers_and_none_where_there_is_nothing_to_show(
    broker: Mosquitto, rig: Rigs, listen: Callable[[int], Listener], version: str
) -> None:
    gateway = rig(broker.port, payload="value", version=version, lifetime_ms=3000).start()
    listener = listen(broker.port)

    def is_last(payload: bytes) -> bool:
        return listener.payloads("/state/s0/temperature")[-1:] == [payload]

    gateway.put_values(1, first=20.5)
    assert gateway.until(lambda: is_last(b"20.5"))
    assert gateway.until(lambda: is_last(b"None")), "it has outlived itself"
    gateway.put_values(1, first=22.25)
    assert gateway.until(lambda: is_last(b"22.25"))
    gateway.stop()
    assert gateway.until(lambda: is_last(b"None"))
    later = listen(broker.port)
    assert gateway.until(lambda: later.payloads("/state/s0/temperature") == [b"None"]), "and it stays"
    assert listener.seqs == [1, 2], "the stream is JSON all the same"


def test_a_broker_that_ends_in_order_costs_no_event(
    broker: Mosquitto, rig: Rigs, listen: Callable[[int], Listener]
) -> None:
    listener = listen(broker.port)
    gateway = rig(broker.port).start()
    for start in range(0, 50, 5):
        gateway.put_values(5, first=float(start))
    assert gateway.until_acknowledged(50)
    assert gateway.until(lambda: listener.seqs == list(range(1, 51)))
    broker.send(signal.SIGTERM)
    broker.kill()
    for start in range(50, 100, 5):
        gateway.put_values(5, first=float(start))
    assert gateway.until(lambda: gateway.outbox.pending == 50)
    assert gateway.until(lambda: "broker_unreachable" in gateway.log.names())
    broker.start()
    assert gateway.until_acknowledged(100)
    assert gateway.log.names().count("broker_lost") == 1
    assert gateway.log.names().count("broker_unreachable") == 1
    later = listen(broker.port)
    assert gateway.until(lambda: later.payloads("/status")), "a broker without a store is told everything again"
    assert gateway.until(lambda: later.payloads("/state/s0/temperature"))
    assert later.last("/state/s0/temperature")["value"] == 99.0


def test_our_own_process_standing_still_renews_nothing(broker: Mosquitto, rig: Rigs) -> None:
    gateway = rig(broker.port, ack_timeout_s=1.5)
    while gateway.publisher.counters.connections == 0 or gateway.publisher.step(0.02) < 0.1:
        gateway.publisher.step(0.02)
    gateway.put_values(1)
    gateway.publisher.step(0.02)
    threading.Event().wait(3.0)
    for _ in range(1000):
        gateway.publisher.step(0.01)
        if gateway.outbox.acknowledged:
            break
    assert gateway.outbox.acknowledged == {1}
    assert gateway.log.names() == ["broker_connected"]


def _broken() -> None:
    raise RuntimeError("broken on purpose")


def test_a_publisher_that_failed_can_run_again(broker: Mosquitto, rig: Rigs) -> None:
    gateway = rig(broker.port).start()
    gateway.put_values(1)
    assert gateway.until_acknowledged(1)
    good = gateway.basket.take
    gateway.basket.take = _broken  # type: ignore[method-assign]
    gateway.publisher.wake()
    gateway.thread.join(5)
    gateway.basket.take = good  # type: ignore[method-assign]
    gateway.put_values(1)
    gateway.thread = threading.Thread(target=gateway.publisher.run)
    gateway.thread.start()
    assert gateway.until_acknowledged(2)


def test_small_limits_of_the_broker_are_kept(tmp_path: Path, free_port: int, rig: Rigs) -> None:
    broker = Mosquitto(tmp_path, free_port, "allow_anonymous true", "max_inflight_messages 1", "max_packet_size 1000")
    broker.start()
    try:
        gateway = rig(broker.port).start()
        for start in range(0, 60, 20):
            gateway.put_values(20, first=float(start))
        assert gateway.until_acknowledged(60)
        assert gateway.log.names() == ["broker_connected"]
    finally:
        broker.kill()


def test_a_denied_stream_is_kept_on_mqtt_5_and_lost_in_silence_on_3_1_1(
    tmp_path: Path, free_port: int, rig: Rigs
) -> None:
    """The control is 3.1.1, where mosquitto answers what it denies with success: why MQTT 5 comes first."""
    rules = tmp_path / "acl"
    rules.write_text("topic write sensors/v1/greenhouse/status\ntopic read #\n", "utf-8")
    rules.chmod(0o600)
    broker = Mosquitto(tmp_path, free_port, "allow_anonymous true", f"acl_file {rules}").start()
    try:
        gateway = rig(broker.port).start()
        gateway.put_values(3)
        assert gateway.until(lambda: "stream_denied" in gateway.log.names())
        assert not gateway.outbox.acknowledged
        assert "topic_denied" in gateway.log.names()
        control = rig(broker.port, version="3.1.1", client_id="control").start()
        control.put_values(3)
        assert control.until_acknowledged(3)
        assert "looks delivered" in control.publisher.report.why
    finally:
        broker.kill()


def test_a_wrong_password_is_said_in_plain_words_and_healed_without_a_restart(
    tmp_path: Path, free_port: int, rig: Rigs
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("", "utf-8")
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "greenhouse", "right"], check=True)
    broker = Mosquitto(tmp_path, free_port, "allow_anonymous false", f"password_file {passwords}").start()
    try:
        gateway = rig(broker.port, username="greenhouse", password="wrong", retry_max_s=0.5).start()  # noqa: S106
        assert gateway.until(lambda: gateway.log.names() == ["broker_refused_us"])
        assert "password" in gateway.publisher.report.why
        assert gateway.publisher.report.why.startswith("at the last try: ")
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), "greenhouse", "wrong"], check=True)
        broker.send(signal.SIGHUP)
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
    finally:
        broker.kill()


def test_the_descriptors_are_those_of_one_connection_after_many_restarts(broker: Mosquitto, rig: Rigs) -> None:
    gateway = rig(broker.port, retry_max_s=0.02).start()
    assert gateway.until(lambda: "broker_connected" in gateway.log.names())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        count = gateway.publisher.counters.connections
        broker.kill()
        broker.start()
        assert gateway.until(lambda: gateway.publisher.counters.connections > count)  # noqa: B023
    gateway.put_values(1)
    assert gateway.until_acknowledged(1)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3
