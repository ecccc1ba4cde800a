"""The fake broker, and real ones, say the same to a gateway: bytes of the specification, sent by hand.

What the fake does not claim to be (subscriptions, sessions, a will) is not asked here.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from proving.brokers.kinds import KINDS, Setting
from proving.brokers.process import BrokerProcess

from sensor_gateway.service.demonstration.loopback_ports import free_port
from sensor_gateway.testing.fake_broker import Ack, FakeBroker, Raw, Silence
from sensor_gateway.testing.mqtt_packets import Packet, granted
from sensor_gateway.testing.stepped_broker import SteppedBroker

V311, V5 = 4, 5
CONNACK, PUBACK, PINGRESP = 0x20, 0x40, 0xD0
PINGREQ, DISCONNECT = b"\xc0\x00", b"\xe0\x00"
FAILURE = 0x80
PATIENCE_S = 5.0


def text(word: str) -> bytes:
    return len(word).to_bytes(2, "big") + word.encode()


def packet(first: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes((first, len(body))) + body


def connect(level: int, client_id: str = "contract") -> bytes:
    """CONNECT, section 3.1: clean, keepalive 60 s."""
    properties = b"\x00" if level == V5 else b""
    return packet(0x10, text("MQTT") + bytes((level, 2, 0, 60)) + properties + text(client_id))


def publish(level: int, packet_id: int, payload: bytes = b"x") -> bytes:
    """PUBLISH, section 3.3. Packet id 0: at QoS 0."""
    properties = b"\x00" if level == V5 else b""
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    return packet(0x32 if packet_id else 0x30, text("a/b") + number + properties + payload)


def subscribe(level: int) -> bytes:
    """SUBSCRIBE, section 3.8: one filter, packet id 1."""
    return packet(0x82, b"\x00\x01" + (b"\x00" if level == V5 else b"") + text("a/b") + b"\x01")


@dataclass
class Line:
    """One connection, and the packets that came on it. ``level`` is MQTT's protocol level."""

    sock: socket.socket
    level: int
    pending: bytes = b""

    def send(self, data: bytes, *, piecewise: bool = False) -> None:
        for piece in [data[at : at + 1] for at in range(len(data))] if piecewise else [data]:
            self.sock.sendall(piece)

    def next(self) -> tuple[int, bytes]:
        """First byte and body; (0, b"") at the end of the connection."""
        while len(self.pending) < 2 or len(self.pending) < 2 + self.pending[1]:
            data = b""
            with contextlib.suppress(ConnectionResetError):
                data = self.sock.recv(4096)
            if not data:
                return 0, b""
            self.pending += data
        end = 2 + self.pending[1]
        first, body, self.pending = self.pending[0], self.pending[2:end], self.pending[end:]
        return first, body

    def connect(self) -> None:
        self.send(connect(self.level))
        first, body = self.next()
        assert first == CONNACK
        assert body[:2] == b"\x00\x00", "no session, success"

    def expect_end(self) -> None:
        """The broker hangs up; on MQTT 5 it may say why first."""
        first, _ = self.next()
        if first == 0xE0:
            first, _ = self.next()
        assert first == 0

    def expect_acknowledged(self, packet_id: int) -> None:
        first, body = self.next()
        assert (first, body[:2]) == (PUBACK, packet_id.to_bytes(2, "big"))
        assert len(body) == 2 or (self.level == V5 and body[2] < FAILURE)


def _real(name: str, folder: Path) -> Iterator[int]:
    broker = BrokerProcess(KINDS[name], Setting(folder=folder, port=free_port()))
    broker.start()
    yield broker.port
    broker.kill()


@pytest.fixture(scope="module", params=["fake", "mosquitto"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if request.param == "fake":
        with FakeBroker() as broker:
            yield broker.port
    else:
        yield from _real(request.param, tmp_path_factory.mktemp("broker"))


def opened(port: int, level: int) -> Line:
    return Line(socket.create_connection(("127.0.0.1", port), PATIENCE_S), level)


@pytest.fixture(params=[V311, V5], ids=["3.1.1", "5"])
def line(request: pytest.FixtureRequest, port: int) -> Iterator[Line]:
    """Opened, and not yet connected."""
    line = opened(port, request.param)
    yield line
    line.sock.close()


def acknowledges_each_by_its_id(line: Line) -> None:
    line.connect()
    for packet_id in (1, 2, 0x1234, 0xFFFF):
        line.send(publish(line.level, packet_id))
        line.expect_acknowledged(packet_id)


def answers_in_order(line: Line) -> None:
    line.connect()
    line.send(b"".join(publish(line.level, packet_id) for packet_id in range(1, 11)) + PINGREQ)
    for packet_id in range(1, 11):
        line.expect_acknowledged(packet_id)
    assert line.next() == (PINGRESP, b"")


def is_silent_about_qos_0(line: Line) -> None:
    line.connect()
    line.send(publish(line.level, 0) + PINGREQ)
    assert line.next() == (PINGRESP, b"")


def test_each_message_is_acknowledged_by_its_id(line: Line) -> None:
    acknowledges_each_by_its_id(line)


def test_what_comes_in_one_piece_is_answered_in_order(line: Line) -> None:
    answers_in_order(line)


def test_nothing_is_said_to_a_message_of_qos_0(line: Line) -> None:
    is_silent_about_qos_0(line)


def test_what_comes_byte_by_byte_is_understood(line: Line) -> None:
    line.send(connect(line.level) + publish(line.level, 7), piecewise=True)
    assert line.next()[0] == CONNACK
    line.expect_acknowledged(7)


def test_a_goodbye_ends_the_connection(line: Line) -> None:
    line.connect()
    line.send(DISCONNECT)
    line.expect_end()


def test_who_does_not_connect_first_is_hung_up_on(line: Line) -> None:
    """MQTT-3.1.0-1."""
    line.send(publish(line.level, 1))
    line.expect_end()


def test_who_subscribes_before_connecting_is_hung_up_on(line: Line) -> None:
    """MQTT-3.1.0-1."""
    line.send(subscribe(line.level))
    line.expect_end()


def test_a_test_that_answers_subscribers_itself_is_not_asked_about_one_out_of_turn() -> None:
    """MQTT-3.1.0-1, with ``on_subscribe``, on both fakes."""
    asked: list[Packet] = []

    def noted(packet: Packet) -> Raw:
        asked.append(packet)
        return Raw(data=granted(packet, is_v5=True))

    with FakeBroker() as broker:
        broker.on_subscribe = noted
        line = opened(broker.port, V5)
        line.send(subscribe(V5))
        line.expect_end()
        line.sock.close()
    with SteppedBroker() as stepped:
        stepped.on_subscribe = noted
        line = opened(stepped.port, V5)
        line.send(subscribe(V5))
        while stepped.serve(PATIENCE_S) and not stepped.packets:
            pass
        line.expect_end()
        line.sock.close()
    assert not asked


def test_who_connects_twice_is_hung_up_on(line: Line) -> None:
    """MQTT-3.1.0-2."""
    line.connect()
    line.send(connect(line.level))
    line.expect_end()


def test_who_sends_what_only_a_broker_sends_is_hung_up_on(line: Line) -> None:
    """CONNACK, section 2.1.2: server to client."""
    line.connect()
    line.send(b"\x20\x02\x00\x00")
    line.expect_end()


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (lambda _packet: Ack(packet_id=1), acknowledges_each_by_its_id),
        (lambda _packet: Ack(reason=0x97), acknowledges_each_by_its_id),
        (lambda _packet: Ack(times=2), answers_in_order),
        (lambda _packet: Silence(), answers_in_order),
    ],
    ids=["wrong_id", "refusal", "twice", "silence"],
)
def test_control_a_fake_that_answers_otherwise_is_caught(
    broken: Callable[[object], Ack | Silence], check: Callable[[Line], None]
) -> None:
    with FakeBroker(broken) as broker:
        line = opened(broker.port, V5)
        with pytest.raises(AssertionError):
            check(line)
        line.sock.close()
