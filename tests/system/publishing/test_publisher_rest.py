"""The publisher rests while there is nothing to do, whatever the broker does or leaves undone: turns are counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.reading import ClockState
from sensor_gateway.testing.fake_broker import Ack, Answer, Close, Connack, FakeBroker, Silence
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Rigs = Callable[..., Any]

MOST_TURNS = 40
"""In a third of a second; a thread that spins takes tens of thousands."""


def _refuse_all(_packet: Packet) -> Answer:
    return Ack(reason=0x97)


def _refuse_announcements(packet: Packet) -> Answer:
    return Ack() if packet.topic.endswith("/events") else Ack(reason=0x97)


def _refuse_stream(packet: Packet) -> Answer:
    return Ack(reason=0x97) if packet.topic.endswith("/events") else Ack()


def _hang_up_on_events(packet: Packet) -> Answer:
    return Close() if packet.topic.endswith("/events") else Ack()


def _silence(_packet: Packet) -> Answer:
    return Silence()


def _answer_twice_wrongly(packet: Packet) -> Answer:
    return Ack(packet_id=packet.packet_id % 7 + 60_000, times=2)


@pytest.mark.parametrize("receive_maximum", [1, None])
@pytest.mark.parametrize(
    "policy",
    [
        _refuse_all,
        _refuse_announcements,
        _refuse_stream,
        _hang_up_on_events,
        _silence,
        _answer_twice_wrongly,
        lambda _packet: Ack(),
        lambda _packet: Ack(reason=0x87),
        lambda _packet: Ack(reason=0x91),
    ],
    ids=["refused", "told_nothing", "stream_refused", "hung_up", "silent", "wrong_ids", "good", "denied", "id_in_use"],
)
def test_no_answer_of_a_broker_makes_the_publisher_spin(
    rig: Rigs, policy: Callable[[Packet], Answer], receive_maximum: int | None
) -> None:
    with FakeBroker(policy, connack=Connack(receive_maximum=receive_maximum)) as broker:
        gateway = rig(broker.port, sensors=5, retry_max_s=5.0)
        gateway.outbox.append([gateway.event(float(number)) for number in range(50)])
        gateway.start()
        assert gateway.until(lambda: broker.published("status"))
        gateway.until(lambda: False, 0.1)
        before = gateway.publisher.progress
        gateway.until(lambda: False, 0.3)
        assert gateway.publisher.progress - before <= MOST_TURNS


def test_neither_a_held_stream_nor_a_stopped_pace_makes_it_spin(rig: Rigs) -> None:
    with FakeBroker() as broker:
        gateway = rig(broker.port, stream={"drain_rate": 20.0, "clock_hold_s": 0.7})
        gateway.clock.state = ClockState.UNSYNCED
        gateway.outbox.append([gateway.event(float(number)) for number in range(200)])
        gateway.start()
        assert gateway.until(lambda: broker.published("availability/s1"))
        for _ in range(3):
            before = gateway.publisher.progress
            gateway.until(lambda: False, 0.5)
            assert gateway.publisher.progress - before <= MOST_TURNS
        assert gateway.outbox.acknowledged


def test_a_broker_that_refuses_one_announcement_gets_the_stream_all_the_same(rig: Rigs) -> None:
    def policy(packet: Packet) -> Answer:
        return Ack(reason=0x97) if packet.topic.endswith("/meta") else Ack()

    with FakeBroker(policy, connack=Connack(receive_maximum=1)) as broker:
        gateway = rig(broker.port).start()
        gateway.put_values(3)
        assert gateway.until_acknowledged(3, 3.0)
        assert [json.loads(packet.payload)["state"] for packet in broker.published("status")] == ["online"]
