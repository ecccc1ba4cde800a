"""The publisher against a broker that does what it is told: delivery, refusals, limits, losses."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.model.vitals.gateway_health import LinkState
from sensor_gateway.publishing.linking.connector import Connector, Refusal
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.publishing.wire.greeting import Will
from sensor_gateway.testing.fake_broker import Ack, Answer, Close, Connack, FakeBroker, Silence
from sensor_gateway.testing.memory_outbox import MemoryOutbox, MemoryStored
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Rigs = Callable[..., Any]
Seqs = Callable[[bytes], list[int]]


def _events(packet: Packet) -> bool:
    return packet.topic.endswith("/events")


def _stream_policy(on_events: Callable[[Packet], Answer]) -> Callable[[Packet], Answer]:
    return lambda packet: on_events(packet) if _events(packet) else Ack()


# The course of a connection


def test_a_connection_begins_with_status_meta_availability_states_and_then_the_stream(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port)
        gateway.put_values(3)
        gateway.start()
        assert gateway.until_acknowledged(3)
        topics = [packet.topic.removeprefix("sensors/v1/greenhouse/") for packet in broker.published()]
        assert topics == [
            "status",
            "meta",
            "availability/s0",
            "availability/s1",
            "state/s0/temperature",
            "events",
        ]
        kept = [packet.is_retained for packet in broker.published()]
        assert kept == [True, True, True, True, True, False]
        assert [packet.qos for packet in broker.published()] == [1, 1, 1, 1, 0, 1]


def test_events_of_one_wake_up_are_one_message_and_one_acknowledgement(rig: Rigs, read_seqs: Seqs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("status"))
        gateway.put_values(40)
        assert gateway.until_acknowledged(40)
        gateway.put_values(40)
        assert gateway.until_acknowledged(80)
        assert [read_seqs(packet.payload) for packet in broker.published("/events")] == [
            list(range(1, 41)),
            list(range(41, 81)),
        ]


def test_a_backlog_travels_in_large_messages_within_64_kb(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port)
        gateway.outbox.append([gateway.event(float(number)) for number in range(2000)])
        gateway.start()
        assert gateway.until_acknowledged(2000)
        sizes = [len(packet.payload) for packet in broker.published("/events")]
        assert len(sizes) < 20
        assert max(sizes) <= 64_000


def test_a_clean_stop_takes_states_back_says_offline_and_leaves_no_will(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
        assert gateway.until(lambda: broker.published("/state/")), "it goes out behind the event"
        before = len(broker.packets)
        gateway.stop()
        assert broker.wait_until(lambda: broker.kinds("DISCONNECT")), "it reads the last packet when it comes to it"
        last = broker.packets[before:]
        stale = [packet for packet in last if "/state/" in packet.topic]
        assert {json.loads(packet.payload)["quality"] for packet in stale} == {"stale"}
        assert [packet.kind for packet in last[-2:]] == ["PUBLISH", "DISCONNECT"]
        assert json.loads(last[-2].payload)["state"] == "offline"
        assert len([packet for packet in broker.published("status") if b"offline" in packet.payload]) == 1


def test_a_clean_stop_sends_what_was_handed_over_last(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("status"))
        gateway.basket.events = [gateway.event(1.0)]
        gateway.stop()
        assert gateway.outbox.acknowledged == {1}
        assert b"offline" in broker.published("status")[-1].payload


def test_a_stop_is_bounded_when_the_broker_is_silent(rig: Rigs) -> None:
    with FakeBroker(lambda _packet: Silence()) as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("status"))
        gateway.stop()  # fails if the thread does not end


@pytest.mark.parametrize("answer", [Silence(), Ack(reason=0x97), Ack(reason=0x87)])
def test_a_stop_whose_offline_was_not_confirmed_leaves_it_to_the_will(rig: Rigs, answer: Answer) -> None:
    def policy(packet: Packet) -> Answer:
        is_farewell = packet.topic.endswith("/status") and b"offline" in packet.payload
        return answer if is_farewell or (_events(packet) and answer == Silence()) else Ack()

    with FakeBroker(policy, connack=Connack(receive_maximum=1)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until(lambda: broker.published("/events"))
        gateway.stop()
        assert not broker.kinds("DISCONNECT"), "it would keep the will back, and the gateway looks online for good"
        assert len(broker.published("status")) < 20, "it is not said again and again"


def test_will_and_status_have_one_topic_and_the_will_no_since(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("status"))
        (connect,) = broker.kinds("CONNECT")
        assert b"sensors/v1/greenhouse/status" in connect.body
        will = connect.body[connect.body.index(b'{"state":"offline"') :]
        assert b"since" not in will
        assert b"\x18\x00\x00\x00\x05" in connect.body, "a will delay of 5 s"
        flags = connect.body[7]
        assert flags & 0x02, "clean start"
        assert flags >> 3 & 3 == 1, "a will of QoS 1"
        assert flags & 0x20, "a retained will"
        assert "since" in json.loads(broker.published("status")[0].payload)


def test_health_of_sensors_and_announcements_of_others_are_published(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.published("availability/s1"))
        gateway.basket.states = [
            SensorState(
                sensor="s1",
                state=Availability.OFFLINE,
                code=FailureCode.NACK,
                reason="nobody answers",
                since=gateway.clock.stamp(),
            ),
        ]
        gateway.publisher._delivery.herald.announcements.put("sensors/v1/greenhouse/health", b'{"lost_total":0}')
        assert gateway.until(lambda: broker.published("health"))
        assert gateway.until(lambda: b"offline" in broker.published("availability/s1")[-1].payload)
        assert json.loads(broker.published("availability/s1")[-1].payload)["code"] == "nack"


# States


def test_states_carry_what_is_left_of_their_lifetime_at_each_connection(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, lifetime_ms=60_000)
        old = gateway.event(1.0)
        object.__setattr__(old.stamp, "uptime_ms", old.stamp.uptime_ms - 20_000)
        gateway.put(old)
        gateway.start()
        for connection in (1, 2, 3):
            assert gateway.until(lambda: broker.published("/state/", connection=connection))  # noqa: B023
            broker.cut()
        assert {packet.expiry_s for packet in broker.published("/state/s0")} <= {*range(30, 41)}


def test_a_state_that_outlives_itself_becomes_stale_once(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, lifetime_ms=300).start()
        gateway.put_values(1)
        assert gateway.until(lambda: any(b"stale" in p.payload for p in broker.published("/state/s0")))
        gateway.put_values(1, sensor=1)
        assert gateway.until_acknowledged(2)
        stale = [packet for packet in broker.published("/state/s0") if b"stale" in packet.payload]
        assert len(stale) == 1
        assert stale[0].expiry_s is None


@pytest.mark.parametrize(("states", "expiry"), [(False, True), (True, False)])
def test_states_and_their_expiry_can_be_turned_off(rig: Rigs, *, states: bool, expiry: bool) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, states=states, expiry=expiry).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
        assert not states or gateway.until(lambda: broker.published("/state/")), "it goes out behind the event"
        published = broker.published("/state/")
        assert bool(published) is states
        assert all(packet.expiry_s is None for packet in published)


class CrampedOutbox(MemoryOutbox):
    """Holds back what comes while it has no room, and stores it with the next append that finds some."""

    has_room = False

    def __init__(self) -> None:
        super().__init__()
        self.held: list[ChangeEvent] = []

    def append(self, events: Iterable[ChangeEvent]) -> list[MemoryStored]:
        waiting, self.held = [*self.held, *events], []
        if not self.has_room:
            self.held = waiting
            return []
        return super().append(waiting)


def test_what_was_held_back_for_want_of_room_is_said_without_waiting_for_other_news(rig: Rigs) -> None:
    outbox = CrampedOutbox()
    with FakeBroker() as broker:
        gateway = rig(broker.port, outbox=outbox).start()
        gateway.put_values(2)
        assert gateway.until(lambda: len(outbox.held) == 2)
        outbox.has_room = True
        gateway.publisher.wake()
        assert gateway.until_acknowledged(2, 3.0)
        assert gateway.until(lambda: broker.published("/state/"))
        assert len(broker.published("/state/")) == 1


# Answers


def test_no_matching_subscribers_is_success_and_counted(rig: Rigs) -> None:
    with FakeBroker(lambda _packet: Ack(reason=0x10)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(5)
        assert gateway.until_acknowledged(5)
        assert gateway.publisher.counters.no_subscriber == 5


def test_random_refusals_lose_nothing(rig: Rigs, read_seqs: Seqs) -> None:
    chance = random.Random(7)
    got: set[int] = set()

    def moody(packet: Packet) -> Answer:
        if chance.random() < 0.2 and len(got) < 80:
            return Ack(reason=0x97)
        got.update(read_seqs(packet.payload))
        return Ack()

    with FakeBroker(_stream_policy(moody)) as broker:
        gateway = rig(broker.port).start()
        for start in range(0, 100, 5):
            gateway.put_values(5, first=float(start))
            gateway.until(lambda: False, 0.005)
        assert gateway.until_acknowledged(100)
        assert got == set(range(1, 101))


def test_a_denied_stream_keeps_its_events_and_the_rest_goes_on(rig: Rigs) -> None:
    with FakeBroker(_stream_policy(lambda _packet: Ack(reason=0x87))) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(3)
        assert gateway.until(lambda: "stream_denied" in gateway.log.names())
        gateway.put_values(3)
        assert gateway.until(lambda: len(broker.published("/state/")) >= 2)
        assert len(broker.published("/events")) == 1
        assert not gateway.outbox.acknowledged
        assert not gateway.quarantined
        broker.policy = lambda _packet: Ack()
        broker.cut()
        assert gateway.until_acknowledged(6)


def test_exactly_the_oversized_and_the_invalid_event_are_quarantined(rig: Rigs) -> None:
    def picky(packet: Packet) -> Answer:
        return Ack(reason=0x99) if b'"value":3.0' in packet.payload else Ack()

    with FakeBroker(_stream_policy(picky), connack=Connack(maximum_packet=1000)) as broker:
        gateway = rig(broker.port, sensors=3)
        object.__setattr__(gateway.sources[2], "sensor", "long" * 250)
        gateway.put(*(gateway.event(float(n), 2 if n == 5 else 0) for n in range(8)))
        gateway.start()
        assert gateway.until_acknowledged(8)
        assert set(gateway.quarantined) == {4, 6}
        gaps = {
            entry["from_seq"]
            for packet in broker.published("/events")
            for entry in json.loads(packet.payload)
            if entry["type"] == "gap"
        }
        assert gaps == {4, 6}


def test_an_event_over_which_the_broker_hangs_up_three_times_is_quarantined(rig: Rigs) -> None:
    def allergic(packet: Packet) -> Answer:
        return Close() if b'"value":3.0' in packet.payload else Ack()

    with FakeBroker(_stream_policy(allergic)) as broker:
        gateway = rig(broker.port)
        gateway.put_values(8)
        gateway.start()
        assert gateway.until_acknowledged(8)
        assert set(gateway.quarantined) == {4}


def test_a_link_that_dies_all_the_time_quarantines_nothing(rig: Rigs) -> None:
    """The same healthy head is in flight each time, and the broker never closes: the link is cut under it."""
    with FakeBroker(_stream_policy(lambda _packet: Silence())) as broker:
        gateway = rig(broker.port, ack_timeout_s=0.15)
        gateway.put_values(2)
        gateway.start()
        assert gateway.until(lambda: broker.connections >= 6)
        broker.policy = lambda _packet: Ack()
        assert gateway.until_acknowledged(2)
        assert not gateway.quarantined


@pytest.mark.parametrize("reason", [0x8B, 0x8D, 0x8E, 0x98])
def test_a_broker_that_says_why_it_goes_blames_no_event(rig: Rigs, reason: int) -> None:
    """Shutting down, keepalive, taken over, an administrator: no event is to blame, however often."""
    with FakeBroker(_stream_policy(lambda _packet: Close(reason=reason))) as broker:
        gateway = rig(broker.port)
        gateway.put_values(1)
        gateway.start()
        assert gateway.until(lambda: broker.connections >= 6)
        broker.policy = lambda _packet: Ack()
        assert gateway.until_acknowledged(1)
        assert not gateway.quarantined


def test_a_close_over_an_unanswered_status_blames_no_event(rig: Rigs) -> None:
    def closing(packet: Packet) -> Answer:
        return Close() if _events(packet) else Silence()

    with FakeBroker(closing) as broker:
        gateway = rig(broker.port, ack_timeout_s=0.15)
        gateway.put_values(1)
        gateway.start()
        assert gateway.until(lambda: broker.connections >= 6)
        broker.policy = lambda _packet: Ack()
        assert gateway.until_acknowledged(1)
        assert not gateway.quarantined


# Limits


def test_receive_maximum_1_and_1_kb_packets_are_kept_with_everything_on(rig: Rigs) -> None:
    unanswered = 0
    most = 0

    def counting(packet: Packet) -> Answer:
        nonlocal unanswered, most
        if packet.qos:
            unanswered += 1
            most = max(most, unanswered)
            unanswered -= 1
        return Ack()

    with FakeBroker(counting, connack=Connack(receive_maximum=1, maximum_packet=1000)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(50)
        assert gateway.until_acknowledged(50)
        assert max(len(packet.body) for packet in broker.published()) <= 1000
        assert gateway.until(lambda: broker.published("/state/"))
        qos1 = [packet for packet in broker.published() if packet.qos]
        assert [packet.packet_id for packet in qos1] == list(range(1, len(qos1) + 1))


def test_the_server_s_keepalive_is_obeyed(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(keepalive_s=1)) as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: broker.kinds("PINGREQ"), 10.0)


def test_a_server_keepalive_of_nought_means_no_pings(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(keepalive_s=0)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(2)
        assert gateway.until_acknowledged(2)


# Losses


def test_an_unanswered_message_renews_the_connection_and_is_sent_again(rig: Rigs, read_seqs: Seqs) -> None:
    with FakeBroker(_stream_policy(lambda packet: Silence() if packet.connection == 1 else Ack())) as broker:
        gateway = rig(broker.port, ack_timeout_s=1.0).start()
        gateway.put_values(3)
        assert gateway.until_acknowledged(3)
        assert broker.connections == 2
        assert broker.wait_until(lambda: broker.kinds("DISCONNECT")), "it reads the last packet when it comes to it"
        assert [packet.connection for packet in broker.kinds("DISCONNECT")] == [1], "renewed without a will"
        assert [read_seqs(packet.payload) for packet in broker.published("/events")] == [[1, 2, 3]] * 2
        assert gateway.log.names() == ["broker_connected", "broker_lost", "broker_connected"]


def test_a_stall_of_our_own_renews_nothing(rig: Rigs) -> None:
    """The thread stands still for longer than the deadline, with the answer waiting in the socket."""
    with FakeBroker() as broker:
        gateway = rig(broker.port, ack_timeout_s=1.5)
        wait_s = 0.0
        while not broker.published("/events"):
            gateway.put_values(0 if broker.published("status") else 1)
            wait_s = min(gateway.publisher.step(wait_s), 0.05)
            if broker.published("status") and not gateway.outbox.pending:
                gateway.put_values(1)
        threading.Event().wait(2.5)
        for _ in range(20):
            gateway.publisher.step(0.01)
        assert broker.connections == 1
        assert gateway.outbox.acknowledged
        gateway.publisher.stop()


def test_an_answer_of_a_former_connection_frees_nothing(rig: Rigs) -> None:
    """Connection 1 leaves id 5 unanswered; connection 2 gives id 5 out again; 1's answer comes late on 2's socket."""
    held = threading.Event()

    def policy(packet: Packet) -> Answer:
        if not _events(packet):
            return Ack()
        if packet.connection == 1:
            return Close()
        return Ack() if held.is_set() else Silence()

    with FakeBroker(policy) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until(lambda: broker.published("/events", connection=2))
        packet_id = broker.published("/events", connection=2)[0].packet_id
        wrong = (packet_id + 7).to_bytes(2, "big")
        broker.send(b"\x40\x02" + wrong)
        gateway.until(lambda: False, 0.1)
        assert not gateway.outbox.acknowledged
        broker.send(b"\x40\x02" + packet_id.to_bytes(2, "big"))
        assert gateway.until_acknowledged(1)


def test_500_renewals_leak_no_descriptor(rig: Rigs) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with FakeBroker() as broker:
        gateway = rig(broker.port, retry_max_s=0.0001).start()
        assert gateway.until(lambda: broker.published("status"))
        before = descriptors()
        for number in range(1, 501):
            assert gateway.until(lambda: broker.published("status", connection=number))  # noqa: B023
            broker.cut()
        gateway.until(lambda: descriptors() <= before + 2)
        assert descriptors() <= before + 4
        assert threading.active_count() < 20


# Connecting


def test_mqtt_5_is_tried_first_again_after_sockets_that_closed(rig: Rigs) -> None:
    with FakeBroker(connack=lambda number, _packet: Connack(closes=number <= 5)) as broker:
        gateway = rig(broker.port, retry_max_s=0.01).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
        assert [packet.body[6] for packet in broker.kinds("CONNECT")] == [5] * 6
        assert gateway.log.names()[0] == "broker_unreachable"
        assert gateway.log.names().count("broker_unreachable") == 1, "quiet after the first failure"


@pytest.mark.parametrize("answer", [Connack(reason=0x84), Connack(raw=b"\x20\x02\x00\x01")])
def test_3_1_1_follows_only_where_the_broker_does_not_know_mqtt_5(rig: Rigs, answer: Connack) -> None:
    def connack(_number: int, packet: Packet) -> Connack:
        return answer if packet.body[6] == 5 else Connack()

    with FakeBroker(connack=connack) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
        assert [packet.body[6] for packet in broker.kinds("CONNECT")] == [5, 4]
        assert gateway.publisher.report.state is LinkState.CONNECTED
        assert "3.1.1" in gateway.publisher.report.why
        assert gateway.log.facts("broker_connected")[0]["mqtt"] == "3.1.1"
        assert all(packet.properties == b"" for packet in broker.published())
        broker.cut()
        assert gateway.until(lambda: len(broker.kinds("CONNECT")) >= 4)
        assert [packet.body[6] for packet in broker.kinds("CONNECT")][2:4] == [5, 4], "5 first, each time"


def test_version_5_alone_never_falls_back(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(reason=0x84)) as broker:
        gateway = rig(broker.port, version="5").start()
        assert gateway.until(lambda: "broker_refused_us" in gateway.log.names())
        assert {packet.body[6] for packet in broker.kinds("CONNECT")} == {5}


@pytest.mark.parametrize("reason", [0x86, 0x87, 0x8A, 0x85])
def test_what_only_a_person_can_mend_is_said_once_and_tried_seldom(rig: Rigs, reason: int) -> None:
    with FakeBroker(connack=Connack(reason=reason)) as broker:
        gateway = rig(broker.port, retry_max_s=0.3).start()
        assert gateway.until(lambda: broker.connections >= 3)
        assert gateway.log.names() == ["broker_refused_us"]
        assert gateway.publisher.report.state is LinkState.REFUSED
        assert gateway.publisher.report.why
    gateway.stop()


def test_who_is_taken_over_stands_down_and_names_the_client_id(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, retry_max_s=2.0).start()
        gateway.put_values(1)
        assert gateway.until_acknowledged(1)
        broker.send(b"\xe0\x01\x8e")
        assert gateway.until(lambda: "client_id_taken" in gateway.log.names())
        assert gateway.publisher.report.state is LinkState.REFUSED
        assert "greenhouse-1" in gateway.publisher.report.why
        gateway.until(lambda: False, 0.7)
        assert broker.connections == 1, "no ping-pong"
        gateway.put_values(1)
        assert gateway.until_acknowledged(2), "tried again later"


def test_three_closes_that_no_message_explains_count_as_a_takeover(rig: Rigs) -> None:
    """mosquitto 2.0 closes without a word."""
    with FakeBroker() as broker:
        gateway = rig(broker.port, retry_max_s=2.0, states=False).start()
        for number in (1, 2, 3):
            assert gateway.until(lambda: len(broker.published("availability/s1")) == number)  # noqa: B023
            assert ("client_id_taken" in gateway.log.names()) is False
            gateway.until(lambda: False, 0.05)
            broker.cut()
        assert gateway.until(lambda: "client_id_taken" in gateway.log.names())
        gateway.until(lambda: False, 0.7)
        assert broker.connections == 3


def test_a_broker_without_qos_1_is_refused_in_plain_words(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(maximum_qos=0)) as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: "broker_refused_us" in gateway.log.names())
        assert not broker.published()


def test_a_broker_too_narrow_for_any_event_gets_none_and_none_is_lost(rig: Rigs) -> None:
    with FakeBroker(connack=Connack(maximum_packet=300)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(3)
        assert gateway.until(lambda: "broker_refused_us" in gateway.log.names())
        assert gateway.until(lambda: gateway.outbox.pending == 3)
        assert not gateway.outbox.acknowledged
        assert not gateway.quarantined
        assert "300 bytes" in gateway.publisher.report.why


def test_a_web_server_on_the_port_is_a_clean_error(rig: Rigs) -> None:
    page = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    with FakeBroker(connack=Connack(raw=page, closes=True)) as broker:
        gateway = rig(broker.port).start()
        assert gateway.until(lambda: "broker_unreachable" in gateway.log.names() or broker.connections > 1)
        gateway.put_values(1)
        gateway.until(lambda: gateway.outbox.pending)
        assert "broker_connected" not in gateway.log.names()


def test_a_name_server_that_hangs_blocks_nothing_and_brings_one_connection(rig: Rigs) -> None:
    answered = threading.Event()
    asked = 0

    def hanging(broker: BrokerSettings) -> socket.socket:
        nonlocal asked
        asked += 1
        answered.wait(20)
        return dial(broker)

    with FakeBroker() as broker:
        gateway = rig(broker.port, dialer=hanging).start()
        gateway.put_values(2)
        assert gateway.until(lambda: gateway.outbox.pending == 2)
        gateway.until(lambda: False, 0.2)
        assert asked == 1, "one try at a time"
        answered.set()
        assert gateway.until_acknowledged(2)
        assert broker.connections == 1


def test_a_stop_does_not_wait_for_a_name_server_and_closes_what_comes_late(rig: Rigs) -> None:
    answered = threading.Event()

    def hanging(broker: BrokerSettings) -> socket.socket:
        answered.wait(20)
        return dial(broker)

    with FakeBroker() as broker:
        gateway = rig(broker.port, dialer=hanging).start()
        gateway.until(lambda: False, 0.05)
        gateway.stop()
        answered.set()
        assert broker.wait_until(lambda: broker.kinds("DISCONNECT"))
        assert not broker.published()


def test_waits_are_spread_at_random_and_reset_by_a_stable_connection_only(free_port: int) -> None:
    settings = BrokerSettings(host="127.0.0.1", port=free_port, client_id="x", first_retry_spread_s=60.0)
    waits: list[float] = []

    class Loaded(random.Random):
        def uniform(self, a: float, b: float) -> float:
            waits.append(b)
            return 3600.0

    connector = Connector(settings, Will(topic="t", payload=b""), wake=lambda: None, chance=Loaded())
    for after_s in (1.0, 1.0, 1.0, 61.0, 1.0):
        connector.start()
        connector.stop()
        connector.lost(after_s)
    assert waits == [60.0, 60.0, 120.0, 240.0, 60.0]


def test_refusals_carry_a_sentence(free_port: int) -> None:
    heard = threading.Event()
    settings = BrokerSettings(host="127.0.0.1", port=free_port, client_id="x", retry_max_s=0.01)
    connector = Connector(settings, Will(topic="t", payload=b""), wake=heard.set)
    connector.start()
    assert heard.wait(5)
    assert connector.take() == Refusal(why="nobody listens on the broker's port", needs_a_person=False)
    connector.stop()


# The clock


def test_the_stream_is_held_for_the_clock_and_states_are_not(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, stream={"clock_hold_s": 1.0})
        gateway.clock.state = ClockState.UNSYNCED
        gateway.start()
        gateway.put_values(1)
        assert gateway.until(lambda: broker.published("/state/"))
        gateway.until(lambda: False, 0.2)
        assert not broker.published("/events")
        assert gateway.until_acknowledged(1), "but not for ever"


def test_the_stream_flows_as_soon_as_the_clock_is_set(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, stream={"clock_hold_s": 60.0})
        gateway.clock.state = ClockState.UNSYNCED
        gateway.start()
        gateway.put_values(1)
        assert gateway.until(lambda: broker.published("/state/"))
        assert not broker.published("/events")
        gateway.clock.state = ClockState.SYNCED
        assert gateway.until_acknowledged(1)


def test_a_drain_is_limited_and_live_states_overtake_it(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, stream={"drain_rate": 500.0, "spill_after_s": 0.2})
        gateway.outbox.append([gateway.event(float(number)) for number in range(1200)])
        gateway.until(lambda: False, 0.3)
        gateway.start()
        gateway.put_values(1, first=7777.0)
        assert gateway.until(lambda: any(b"7777" in packet.payload for packet in broker.published("/state/")))
        assert len(gateway.outbox.acknowledged) < 1000
        assert gateway.until_acknowledged(1201)
        entries = [entry for packet in broker.published("/events") for entry in json.loads(packet.payload)]
        assert [entry["seq"] for entry in entries] == list(range(1, 1202))
        assert entries[0]["replayed"] is True
