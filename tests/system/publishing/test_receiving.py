"""What comes in, against a broker that lies on the byte level, in virtual time: nothing of it stops the stream.

The judge is that of delivery: every event once, in order, nothing acknowledged without a yes. Each kind of attack has
a control: a door without the bound that it tests, which is caught.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.broker_bench import BrokerBench
from proving.examples import examples

from sensor_gateway.publishing import mqtt
from sensor_gateway.publishing.incoming import Incoming, Reply, Said
from sensor_gateway.publishing.receiving.subscription import Subscription
from sensor_gateway.publishing.wire import mailbox
from sensor_gateway.testing.fake_broker import Close, Raw, Silence
from sensor_gateway.testing.mqtt_packets import Publication, filters, granted

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]
TOPIC = b"sensors/v1/greenhouse/command/read"


class Ear:
    """Listens to commands, keeps what it heard, and answers each on a topic of its own."""

    topics = ("sensors/v1/greenhouse/command/+",)

    def __init__(self, *, answers: bool = False) -> None:
        self.heard: list[Incoming] = []
        self._answers = answers

    def hear(self, incoming: Incoming, now_s: float, _now: Any) -> Sequence[Said]:
        self.heard.append(incoming)
        if not self._answers:
            return ()
        topic = incoming.response_topic or "answers"
        return [Reply(topic=topic, payload=incoming.payload, correlation=incoming.correlation, until_s=now_s + 10)]

    def tend(self, _now_s: float, _now: Any) -> Sequence[Said]:
        return ()

    def wait_s(self, _now_s: float) -> float:
        return inf


def _connected(make: Benches, ear: Ear | None = None, **settings: Any) -> BrokerBench:
    table = make(listeners=(ear or Ear(),), retry_max_s=2.0, **settings)
    assert table.run(5.0, lambda: table.broker.kinds("SUBSCRIBE"))
    table.put(3)
    table.run(1.0)
    return table


def _faults(table: BrokerBench) -> list[str]:
    """What speaks against delivery when all is over; three more events show that it still works."""
    table.put(3)
    return table.finish()


# What is asked for


def test_with_nobody_who_listens_nothing_is_asked_for(bench: Benches) -> None:
    table = bench()
    table.put(3)
    assert not table.finish()
    assert not table.broker.kinds("SUBSCRIBE")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_each_connection_asks_once_at_qos_1(bench: Benches, version: str) -> None:
    table = _connected(bench, version=version)
    table.broker.cut()
    table.run(20.0, lambda: table.broker.connections == 2 and len(table.broker.kinds("SUBSCRIBE")) == 2)
    table.run(20.0)
    asked = table.broker.kinds("SUBSCRIBE")
    assert [packet.connection for packet in asked] == [1, 2]
    is_v5 = version == "5"
    assert all(list(filters(packet, is_v5=is_v5)) == list(Ear.topics) for packet in asked)
    assert all(packet.body[-1] & 3 == 1 for packet in asked)


def test_what_mqtt_5_says_of_a_message_comes_with_it_and_the_answer_carries_its_correlation(bench: Benches) -> None:
    ear = Ear(answers=True)
    table = _connected(bench, ear)
    properties = b"\x02\0\0\0\x07" + b"\x08\0\x03r/1" + b"\x09\0\x02\xff\0"
    table.broker.send(Publication(topic=TOPIC, payload=b"hi", qos=1, is_retained=True, properties=properties).encoded())
    assert table.run(5.0, lambda: table.broker.published("r/1"))
    assert ear.heard == [
        Incoming(
            topic=TOPIC.decode(),
            payload=b"hi",
            is_retained=True,
            expiry_s=7,
            response_topic="r/1",
            correlation=b"\xff\0",
        )
    ]
    (reply,) = table.broker.published("r/1")
    assert (reply.payload, reply.qos, reply.is_retained, reply.properties) == (b"hi", 1, False, b"\x09\0\x02\xff\0")
    assert table.run(1.0, lambda: table.publisher._delivery.receiver.counters.replied == 1)
    assert not _faults(table)


def test_on_3_1_1_a_message_has_no_properties_and_is_answered_without(bench: Benches) -> None:
    ear = Ear(answers=True)
    table = _connected(bench, ear, version="3.1.1")
    table.broker.send(Publication(topic=TOPIC, payload=b"hi", qos=1, properties=None).encoded())
    assert table.run(5.0, lambda: table.broker.published("answers"))
    assert not _faults(table)


def test_a_refused_subscription_is_told_and_delivery_goes_on(bench: Benches) -> None:
    table = bench(listeners=(Ear(),))
    table.broker.on_subscribe = lambda packet: Raw(data=granted(packet, is_v5=True, reasons=[0x87]))
    table.put(3)
    assert not table.finish()
    (facts,) = table.log.facts("subscription_refused")
    assert facts["topic"] == Ear.topics[0]


@pytest.mark.parametrize("answer", [Silence(), Raw(data=b"\x90\x02\0\x01"), Raw(data=b"\x90\x05\0\x01\0\x01\x01")])
def test_a_subscription_that_is_answered_badly_or_not_at_all_keeps_nothing_back(bench: Benches, answer: Any) -> None:
    table = bench(listeners=(Ear(),))
    table.broker.on_subscribe = lambda _packet: answer
    table.put(3)
    assert not table.finish()


# A broker that hangs up on the request


def _hangs_up_on_subscribe(table: BrokerBench) -> bool:
    table.broker.on_subscribe = lambda _packet: Close()
    table.put(5)
    return table.run(120.0, lambda: not table.outbox.pending and not table.basket.events)


def test_a_broker_that_hangs_up_on_the_request_gets_all_events_all_the_same(bench: Benches) -> None:
    table = bench(listeners=(Ear(),), retry_max_s=2.0)
    assert _hangs_up_on_subscribe(table)
    assert not table.faults()
    assert table.log.names().count("listening_suspended") == 1
    table.run(1000.0)
    assert table.log.names().count("listening_suspended") == 1
    assert 4 <= table.broker.connections <= 12, "tried again every five minutes"
    table.broker.on_subscribe = None
    table.run(400.0)
    asked = table.broker.kinds("SUBSCRIBE")
    assert asked[-1].connection == table.broker.connections
    assert not _faults(table)


def test_control_hangs_up(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subscription, "_rests", lambda *_: False)
    assert not _hangs_up_on_subscribe(bench(listeners=(Ear(),), retry_max_s=2.0))


# Messages that end connections


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize(
    "poison",
    [
        b"\x31\xff\xff\xff\x7f\0\x01a",  # the header of 256 MB
        b"\x36\x07\0\x01a\0\x01xx",  # QoS 3
        b"\x31\x02\0\xff",  # a topic that is longer than its packet
        b"\xf0\0",  # AUTH
    ],
)
def test_a_retained_message_that_ends_each_connection_is_left_out_and_events_arrive(
    bench: Benches, poison: bytes, version: str
) -> None:
    table = bench(listeners=(Ear(),), retry_max_s=2.0, version=version)
    table.broker.on_subscribe = lambda packet: Raw(data=granted(packet, is_v5=version == "5") + poison)
    table.put(20)
    assert table.run(120.0, lambda: not table.outbox.pending and not table.basket.events)
    table.run(120.0)
    assert not _faults(table)
    assert table.log.names().count("listening_suspended") == 1
    assert table.broker.connections <= 5


def test_control_a_retained_message(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subscription, "_rests", lambda *_: False)
    table = bench(listeners=(Ear(),), retry_max_s=2.0)
    table.broker.on_subscribe = lambda packet: Raw(data=granted(packet, is_v5=True) + b"\x31\xff\xff\xff\x7f\0\x01a")
    table.put(20)
    table.run(120.0)
    assert table.broker.connections > 30


def test_more_and_more_for_a_client_whose_answers_nobody_reads_ends_the_connection(
    bench: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the socket is bounded. Control: without the bound the connection stays and holds it all."""
    ends = []
    for most in (mqtt._MOST_QUEUED, 10**9):
        monkeypatch.setattr(mqtt, "_MOST_QUEUED", most)
        table = _connected(bench)
        client = table.publisher._link.session._client._client  # type: ignore[union-attr]
        monkeypatch.setattr(client, "_packet_write", lambda: mqtt.MQTTErrorCode.MQTT_ERR_AGAIN)
        message = Publication(topic=TOPIC, qos=1).encoded()
        for _ in range(6000):
            table.broker.send(message)
            table.publisher.step(0.0)
        ends.append(table.publisher._link.session is None)
    assert ends == [True, False]


# Floods


def _flooded(table: BrokerBench, message: bytes, *, seconds: float = 20.0) -> float:
    """A second of real flood per 10,000 messages, in virtual time, beside three events a second; CPU per message."""
    table.every(0.01, lambda: table.broker.send(message * 100), times=round(seconds * 100))
    table.every(1.0, lambda: table.put(3), times=round(seconds))
    began = time.process_time()
    table.run(seconds)
    return (time.process_time() - began) / (seconds * 10_000)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_ten_thousand_messages_a_second_keep_no_event_back(bench: Benches, qos: int) -> None:
    ear = Ear()
    table = _connected(bench, ear)
    _flooded(table, Publication(topic=TOPIC, payload=b"{}", qos=qos, packet_id=7).encoded(), seconds=3.0)
    assert not _faults(table)
    assert table.broker.connections == 1
    counters = table.publisher._delivery.receiver.counters
    assert counters.received + counters.dropped == 30_000
    assert counters.received == len(ear.heard)


def test_what_a_broker_sends_at_qos_2_is_not_kept(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """PUBLISH after PUBLISH at QoS 2, and never a PUBREL: paho alone would keep each."""
    kept = []
    for is_ours in (True, False):
        if not is_ours:
            monkeypatch.delattr(mqtt._Client, "_handle_publish")
        table = _connected(bench)
        for packet_id in range(1, 2001):
            table.broker.send(Publication(topic=TOPIC, payload=b"x", qos=2, packet_id=packet_id).encoded())
        table.run(5.0)
        kept.append(len(table.publisher._link.session._client._client._in_messages))  # type: ignore[union-attr]
    assert kept == [0, 2000]


def test_a_flood_of_large_messages_takes_bounded_memory(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two turns the mailbox holds its bound and no more. Control: without one it holds everything."""
    held: list[int] = []
    take = mailbox.Mailbox.take

    def watched(self: mailbox.Mailbox) -> list[Incoming]:
        held.append(self._bytes)
        return take(self)

    monkeypatch.setattr(mailbox.Mailbox, "take", watched)
    box = mailbox.Mailbox()
    for _ in range(100):
        box.put(mqtt_message(b"x" * 200_000))
    box.take()
    monkeypatch.setattr(mailbox, "MOST_BYTES", 10**12)
    for _ in range(100):
        box.put(mqtt_message(b"x" * 200_000))
    box.take()
    assert held == [400_000, 20_000_000]


def mqtt_message(payload: bytes) -> Any:
    from paho.mqtt.client import MQTTMessage  # noqa: PLC0415 - the real thing, for one test

    message = MQTTMessage(topic=TOPIC)
    message.payload = payload
    return message


# Anything at all

strange_topics = st.sampled_from([b"", b"\xff\xfe", b"a/+", b"#", b"\0", b"/", b"$SYS/x", TOPIC, b"x" * 60_000])
strange_payloads = st.sampled_from([b"", b"[" * 100_000, b"\xff", b'{"a":' * 50_000, b"NaN", b"x" * 500_000])
publications = st.builds(
    Publication,
    topic=strange_topics | st.binary(max_size=20),
    payload=strange_payloads | st.binary(max_size=50),
    qos=st.integers(0, 3),
    packet_id=st.integers(0, 65_535),
    is_retained=st.booleans(),
    is_duplicate=st.booleans(),
    properties=st.sampled_from([b"", b"\x02\0\0\0\0", b"\x08\0\0", b"\x09\xff\xff", b"\x23\0\0"])
    | st.binary(max_size=9),
).map(Publication.encoded)
packets = st.builds(
    lambda kind, flags, body: bytes((kind << 4 | flags, len(body))) + body,
    st.integers(0, 15),
    st.integers(0, 15),
    st.binary(max_size=60),
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(publications | packets | st.binary(max_size=40), max_size=8), data=st.data())
def test_whatever_a_broker_sends_events_arrive_afterwards(bench: Benches, sent: list[bytes], data: Any) -> None:
    version = data.draw(st.sampled_from(["5", "3.1.1"]))
    table = _connected(bench, Ear(answers=True), version=version, ack_timeout_s=5.0)
    for each in sent:
        table.put(1)
        table.broker.send(each)
        table.run(data.draw(st.sampled_from([0.0, 0.5])))
    table.run(10.0)
    assert "listener_failed" not in table.log.names()
    table.put(3)
    assert table.run(600.0, lambda: not table.outbox.pending and not table.basket.events)
    table.close()


@pytest.mark.alone
def test_a_flood_costs_about_the_same_per_message_however_long_it_lasts(bench: Benches) -> None:
    table = _connected(bench)
    message = Publication(topic=TOPIC, payload=b"{}").encoded()
    first_s = _flooded(table, message, seconds=1.0)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    later_s = _flooded(table, message, seconds=4.0)
    assert later_s < 3 * first_s
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000
