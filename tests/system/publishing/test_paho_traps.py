"""What paho does by itself, and that we do not fall into it. Controls use paho alone: the trap is there."""

from __future__ import annotations

import gc
import select
import socket
import ssl
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from proving.let_go import let_go

from sensor_gateway.publishing.linking.connector import Connector
from sensor_gateway.publishing.mqtt import MqttClient
from sensor_gateway.publishing.session import Connection
from sensor_gateway.publishing.settings import BrokerSettings, TlsSettings
from sensor_gateway.publishing.states import StateMessage
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.publishing.wire.greeting import Protocol, Will
from sensor_gateway.testing.fake_broker import Ack, Answer, Connack, FakeBroker, Raw, Silence
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Rigs = Callable[..., Any]
WILL = Will(topic="t/status", payload=b"gone")


def _bare(port: int, protocol: mqtt.MQTTProtocolVersion = mqtt.MQTTv5) -> mqtt.Client:
    """paho as its documentation shows it, connected."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bare", protocol=protocol)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(20)
    return client


def _end(client: mqtt.Client) -> None:
    let_go(client)


def _client(broker: FakeBroker, protocol: Protocol = Protocol.V5, **settings: Any) -> MqttClient:
    """Ours, connected, without a publisher around it."""
    client = MqttClient(
        BrokerSettings(host="127.0.0.1", port=broker.port, client_id="ours", **settings), WILL, protocol, dial=dial
    )
    descriptor = client.open()
    assert _drive(client, descriptor, lambda: client.greeting is not None)
    return client


def _drive(client: MqttClient, descriptor: int, condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline_s or client.loss is not None:
            return condition()
        readable, _, _ = select.select([descriptor], [], [], 0.02)
        client.serve(readable=bool(readable), writable=client.wants_write)
    return True


def _descriptor(client: MqttClient) -> int:
    sock = client._client.socket()
    assert sock is not None
    return sock.fileno()


# 1. The limits in CONNACK are ignored


def test_control_paho_ignores_receive_maximum() -> None:
    with FakeBroker(lambda _p: Silence(), connack=Connack(receive_maximum=10)) as broker:
        client = _bare(broker.port)
        for _ in range(100):
            client.publish("t", b"x", 1)
        assert broker.wait_until(lambda: len(broker.published()) > 10)
        _end(client)


def test_receive_maximum_is_kept(rig: Rigs) -> None:
    with FakeBroker(lambda _p: Silence(), connack=Connack(receive_maximum=10)) as broker:
        gateway = rig(broker.port, sensors=4).start()
        for value in range(30):
            gateway.put_values(1, first=float(value))
            gateway.until(lambda: gateway.basket.events == [], 1.0)
        assert gateway.until(lambda: len([p for p in broker.published() if p.qos]) == 10)
        gateway.until(lambda: False, 0.2)
        assert len([p for p in broker.published() if p.qos]) == 10


def test_maximum_packet_size_is_kept(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(maximum_packet=700)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(20)
        assert gateway.until_acknowledged(20)
        assert max(len(p.body) + 3 for p in broker.published()) <= 700


# 2. Only the reason code says whether it was delivered


def test_control_paho_calls_a_refused_message_published() -> None:
    with FakeBroker(lambda _p: Ack(reason=0x87)) as broker:
        client = _bare(broker.port)
        info = client.publish("t", b"x", 1)
        info.wait_for_publish(5)
        assert info.is_published()
        _end(client)


@pytest.mark.parametrize("reason", [0x80, 0x83, 0x87, 0x97])
def test_a_refused_message_is_not_acknowledged(rig: Rigs, reason: int) -> None:
    answer = {"reason": reason}

    def policy(packet: Packet) -> Answer:
        return Ack(reason=answer["reason"]) if packet.topic.endswith("/events") else Ack()

    with FakeBroker(policy) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until(lambda: gateway.publisher.counters.refused)
        assert not gateway.outbox.acknowledged
        answer["reason"] = 0
        broker.cut()
        assert gateway.until_acknowledged(1)


# 3. Publishing while not connected queues in paho


def test_control_paho_says_no_connection_and_sends_it_later_all_the_same(free_port: int) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bare", protocol=mqtt.MQTTv5)
    assert client.publish("t", b"x", 1).rc == mqtt.MQTT_ERR_NO_CONN
    with FakeBroker(port=free_port) as broker:
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        assert broker.wait_until(lambda: len(broker.published()) == 1)
        _end(client)


def test_events_of_an_outage_are_sent_exactly_once(rig: Rigs, free_port: int, read_seqs: Any) -> None:
    gateway = rig(free_port).start()
    for value in range(5):
        gateway.put_values(1, first=float(value))
    assert gateway.until(lambda: gateway.outbox.pending == 5)
    with FakeBroker(port=free_port) as broker:
        assert gateway.until_acknowledged(5)
        sent = [seq for packet in broker.published("/events") for seq in read_seqs(packet.payload)]
        assert sorted(sent) == [1, 2, 3, 4, 5]
        assert all(not packet.flags & 8 for packet in broker.published()), "never DUP: clients serve one connection"


# 4. and 5. Callbacks


def test_callbacks_reach_nothing_that_could_deadlock_or_keep_a_client_alive() -> None:
    """A lock taken in on_publish and around publish() deadlocks, as paho holds its own meanwhile. Ours only append."""
    with FakeBroker() as broker:
        client = _client(broker)
        descriptor = _descriptor(client)
        answers = client.answers
        for _ in range(50):
            assert client.publish("t", b"x", retain=False)
        assert _drive(client, descriptor, lambda: len(answers) == 50)
        inner = weakref.ref(client._client)
        client.close("test")
        gc.disable()
        del client
        is_gone = inner() is None
        gc.enable()
        assert is_gone, "without the garbage collector"


def test_control_an_unreadable_topic_kills_a_loop_that_looks_at_it() -> None:
    with FakeBroker() as broker:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bare", protocol=mqtt.MQTTv5)
        client.on_message = lambda _c, _d, message: message.topic
        client.connect("127.0.0.1", broker.port)
        assert broker.wait_until(lambda: bool(broker.kinds("CONNECT")))
        broker.send(_publish(b"\xff\xfe"))

        def loop() -> None:
            for _ in range(100):
                client.loop(0.05)

        with pytest.raises(UnicodeDecodeError):
            loop()
        client._sock_close()


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"\x30\x05\x00\x02\xff\xfe\x00", id="topic that is no UTF-8"),
        pytest.param(b"\x30\x03\x00\x00\x00", id="empty topic"),
        pytest.param(b"\x30\x04\x00\x01\x00\x00", id="topic of NUL"),
        pytest.param(b"\x30\x02\xff\xff", id="topic longer than the packet"),
        pytest.param(b"\x40\x03\x00\x01\xee", id="reason that does not exist"),
        pytest.param(b"\x40\x01\x00", id="answer cut short"),
        pytest.param(b"\x90\x02\x00\x00", id="answer to no subscription"),
        pytest.param(b"\x20\x03\x00\x00\x00", id="a second greeting"),
        pytest.param(b"\x20\x03\x00\x87\x00", id="a second greeting that refuses"),
        pytest.param(b"\xd0\x01\x00", id="pong with a body"),
        pytest.param(b"\xf0\x00", id="packet type 15"),
        pytest.param(b"\x30\xff\xff\xff\xff\x7f", id="length of five bytes"),
        pytest.param(b"\xe0\x02\xee\x00", id="goodbye for no reason"),
    ],
)
def test_nothing_that_a_broker_sends_ends_the_publisher(rig: Rigs, junk: bytes) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
        broker.send(junk)
        gateway.until(lambda: broker.connections > 1, 0.1)
        gateway.put_values(1)
        assert gateway.until_acknowledged(2)
        assert gateway.thread.is_alive()
        assert "publisher_failed" not in gateway.log.names()


def test_a_packet_announced_with_256_mb_ends_the_connection(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("status"))
        assert b"\x27\x00\x00\x20\x00" in broker.kinds("CONNECT")[0].body, "8 kB at most, as CONNECT said"
        broker.send(b"\x30\xff\xff\xff\x7f")
        assert gateway.until(lambda: broker.connections >= 2, 10)
        assert "268435455 bytes" in str(gateway.log.facts("broker_lost")[0]["why"])


def test_a_publish_before_the_greeting_is_harmless(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(raw=_publish(b"t") + b"\x20\x03\x00\x00\x00")) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)


# Answers that are none


def test_answers_that_come_twice_or_for_unknown_ids_are_ignored(rig: Rigs) -> None:
    def policy(packet: Packet) -> Answer:
        if not packet.qos:
            return Silence()
        good = b"\x40\x02" + packet.packet_id.to_bytes(2, "big")
        return Raw(data=b"\x40\x02\x30\x39" + good + good)

    with FakeBroker(policy) as broker:
        gateway = rig(broker.port).start()
        for value in range(5):
            gateway.put_values(1, first=float(value))
            assert gateway.until_acknowledged(value + 1)
        assert broker.connections == 1
        assert gateway.publisher.counters.acknowledged == 5


@pytest.mark.parametrize("kind", [b"\x70\x02", b"\x50\x02"], ids=["PUBCOMP", "PUBREC"])
def test_only_a_puback_acknowledges(rig: Rigs, kind: bytes) -> None:
    """paho reports a PUBCOMP for any message that waits."""

    def policy(packet: Packet) -> Answer:
        return Raw(data=kind + packet.packet_id.to_bytes(2, "big")) if packet.topic.endswith("/events") else Ack()

    with FakeBroker(policy) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until(lambda: broker.published("/events"))
        gateway.until(lambda: False, 0.2)
        assert not gateway.outbox.acknowledged


def test_control_paho_reports_qos_0_as_published_under_an_id_that_wrapped() -> None:
    with FakeBroker(lambda _p: Silence()) as broker:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bare", protocol=mqtt.MQTTv5)
        reported: list[int] = []
        client.on_publish = lambda _c, _d, mid, _r, _p: reported.append(mid)
        client.connect("127.0.0.1", broker.port)
        waiting = client.publish("t", b"x", 1).mid
        client._last_mid = waiting - 1  # 65,534 publishes later
        assert client.publish("t", b"x", 0).mid == waiting
        assert reported == [waiting], "nobody has answered the QoS 1 message"
        client._sock_close()


def test_a_message_whose_id_still_waits_does_not_count_as_sent() -> None:
    with FakeBroker(lambda _p: Silence()) as broker:
        client = _client(broker)
        waiting = client.publish("t", b"x", retain=False)
        client._client._last_mid = waiting - 1  # 65,534 publishes later
        assert client.publish("t", b"y", retain=False) == 0
        client.close("test")


def test_states_use_no_packet_id_and_report_nothing() -> None:
    with FakeBroker(lambda _p: Silence()) as broker:
        client = _client(broker)
        packet_id = client.publish("t", b"x", retain=False)
        for _ in range(3):
            client.publish_states([StateMessage("s", b"y", 60)] * 100, largest=10_000)
        assert broker.wait_until(lambda: len(broker.published("s")) == 300)
        assert not client.answers
        assert client.publish("t", b"x", retain=False) == packet_id + 1
        client.close("test")


def test_states_that_the_socket_cannot_take_at_once_stay_whole_and_in_order() -> None:
    """The queue is paho's: what is left over goes before the next message, and reports nothing then either."""
    with FakeBroker(lambda p: Ack() if p.qos else Silence()) as broker:
        client = _client(broker)
        descriptor = _descriptor(client)
        body = b"y" * 4000
        states = [StateMessage(f"s/{number}", body, 60) for number in range(4000)]
        client.publish_states(states, largest=10_000)
        assert client.wants_write
        packet_id = client.publish("t", b"x", retain=False)
        assert _drive(client, descriptor, lambda: (packet_id, 0) in client.answers, 10)
        assert list(client.answers) == [(0, 0)] * (len(client.answers) - 1) + [(packet_id, 0)]
        topics = [packet.topic for packet in broker.published()]
        assert topics == [state.topic for state in states] + ["t"]
        client.close("test")


# The socket


def test_publish_writes_the_socket_itself_and_may_lose_the_connection_inside(rig: Rigs) -> None:
    """The loss is seen at once, nothing counts as sent, and the event arrives on the next connection."""
    with FakeBroker() as broker:
        gateway = rig(broker.port)
        while not (broker.published("availability/s1") and gateway.publisher.step(0.02) > 0.1):
            gateway.publisher.step(0.02)
        session = gateway.publisher._link.session
        session._client._client.socket().shutdown(socket.SHUT_WR)
        gateway.put_values(1)
        for _ in range(200):
            gateway.publisher.step(0.02)
            if gateway.outbox.acknowledged:
                break
        assert gateway.outbox.acknowledged == {1}
        assert broker.connections == 2


def test_the_connector_leaves_no_socket_pair_behind_for_each_publish_to_write_to() -> None:
    with FakeBroker() as broker:
        settings = BrokerSettings(host="127.0.0.1", port=broker.port, client_id="x")
        ready = threading.Event()
        connector = Connector(settings, WILL, wake=ready.set)
        connector.start()
        assert ready.wait(20)
        connection = connector.take()
        assert isinstance(connection, Connection)
        assert connection.client._client._sockpairW is None
        connection.client.close("test")


def test_a_silent_peer_is_noticed_and_told_once(rig: Rigs) -> None:
    """paho calls on_disconnect twice at a keepalive timeout."""
    with FakeBroker(connack=Connack(keepalive_s=1)) as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("availability/s1"))
        peer = next(iter(broker._peers.values()))
        peer.reader.feed = lambda _data: []  # type: ignore[method-assign]
        assert gateway.until(lambda: len(broker.published("availability/s1")) == 2)
        assert gateway.log.names().count("broker_lost") == 1


def test_a_renewal_does_not_wait_for_a_peer_that_takes_nothing(rig: Rigs) -> None:
    """With a full socket, disconnect() never closes anything: the socket is closed all the same."""
    with FakeBroker() as broker:
        client = _client(broker)
        descriptor = _descriptor(client)
        peer = next(iter(broker._peers.values()))
        released = threading.Event()
        peer.reader.feed = lambda _data: released.wait(5) and []  # type: ignore[method-assign, assignment, return-value]
        while not client.wants_write:
            client.publish("t", b"x" * 60_000, retain=False)
        began_s = time.monotonic()
        client.close("full")
        assert time.monotonic() - began_s < 0.2
        assert client.loss is not None
        with pytest.raises(OSError, match="Bad file descriptor"):
            socket.socket(fileno=descriptor)
        released.set()


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    for name, days in (("good", "2"), ("expired", "-1")):
        openssl(*new, "-subj", "/CN=broker", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", "utf-8")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", days)
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


def _server(folder: Path, name: str = "good", *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def test_delivery_over_tls_with_both_sides_certified(rig: Rigs, certificates: Path) -> None:
    tls = TlsSettings(
        ca_file=certificates / "ca.pem",
        certificate_file=certificates / "good.pem",
        key_file=certificates / "good.key",
    )
    with FakeBroker(tls=_server(certificates, asks=True)) as broker:
        gateway = rig(broker.port, tls=tls).start()
        gateway.put_values(300)
        assert gateway.until_acknowledged(300)


def test_two_packets_in_one_tls_record_are_both_read(rig: Rigs, certificates: Path) -> None:
    """A selector does not see what TLS has decrypted already: the answer would wait for the deadline."""

    def policy(packet: Packet) -> Answer:
        answer = b"\x40\x02" + packet.packet_id.to_bytes(2, "big")
        return Raw(data=_publish(b"command") + answer) if packet.topic.endswith("/events") else Ack()

    with FakeBroker(policy, tls=_server(certificates)) as broker:
        gateway = rig(broker.port, tls=TlsSettings(ca_file=certificates / "ca.pem")).start()
        assert gateway.until(lambda: broker.published("availability/s1"))
        gateway.until(lambda: False, 0.1)
        gateway.put_values(1)
        assert gateway.until_acknowledged(1, 5.0)
        assert broker.connections == 1


@pytest.mark.parametrize(
    ("certificate", "host", "with_authority", "words"),
    [
        ("expired", "127.0.0.1", True, "expired"),
        ("good", "127.0.0.1", False, "authority that is not trusted"),
        ("good", "ip6-localhost-is-not-in-it", True, "another host name"),
    ],
)
def test_a_certificate_that_is_not_right_is_refused_in_plain_words(
    certificates: Path, certificate: str, host: str, words: str, *, with_authority: bool
) -> None:
    with FakeBroker(tls=_server(certificates, certificate)) as broker:
        settings = BrokerSettings(
            host=host,
            port=broker.port,
            client_id="x",
            tls=TlsSettings(ca_file=certificates / "ca.pem" if with_authority else None),
            retry_max_s=0.01,
        )

        def dialer(_settings: BrokerSettings) -> socket.socket:
            raw = socket.create_connection(("127.0.0.1", broker.port), 5)
            ca_file = str(certificates / "ca.pem") if with_authority else None
            context = ssl.create_default_context(cafile=ca_file)
            try:
                return context.wrap_socket(raw, server_hostname=host)
            finally:
                raw.close()

        heard = threading.Event()
        connector = Connector(settings, WILL, wake=heard.set, dialer=dialer if "127" not in host else dial)
        connector.start()
        assert heard.wait(5)
        refusal = connector.take()
        connector.stop()
        assert refusal is not None
        assert words in getattr(refusal, "why", "")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_plain_port_behind_mqtts_is_said_in_plain_words(certificates: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1 << 16)
                sock.sendall(answer)

        server = threading.Thread(target=serve)
        server.start()
        settings = BrokerSettings(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            client_id="x",
            tls=TlsSettings(ca_file=certificates / "ca.pem"),
            retry_max_s=60.0,
        )
        heard = threading.Event()
        connector = Connector(settings, WILL, wake=heard.set)
        connector.start()
        assert heard.wait(5)
        refusal = connector.take()
        connector.stop()
        server.join()
        assert "mqtts:// is for encrypted ports only" in getattr(refusal, "why", "")


def _publish(topic: bytes) -> bytes:
    """A PUBLISH of QoS 0 from the broker, without payload."""
    return bytes((0x30, 3 + len(topic))) + len(topic).to_bytes(2, "big") + topic + b"\x00"
