"""``outbox.hold_when_no_subscriber``: what nobody listened to is not delivered, and waits for somebody who does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from proving.broker_bench import BrokerBench

from sensor_gateway.testing.fake_broker import Ack, Answer, Connack
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]

HOLD = {"hold_when_no_subscriber": True}
MINUTE = 60.0


class Audience:
    """A broker that says whether anybody listens. ``tries`` are the moments and sizes of what it got in vain."""

    def __init__(self, table: BrokerBench) -> None:
        self.table = table
        self.is_there = False
        self.tries: list[tuple[float, int]] = []
        table.promises.discard(0x10)
        table.broker.policy = self

    def __call__(self, packet: Packet) -> Answer:
        if not packet.topic.endswith("/events"):
            return Ack(reason=0x10) if packet.qos else Ack()
        if self.is_there:
            return Ack()
        self.tries.append((self.table.now_s, packet.payload.count(b'"id"')))
        return Ack(reason=0x10)


def _waits_s(audience: Audience) -> list[float]:
    """Between the probes: those behind the first window, which goes before anything is known."""
    moments_s = sorted({moment_s for moment_s, _ in audience.tries})
    return [round(later_s - former_s, 3) for former_s, later_s in pairwise(moments_s)]


def _alone_for(table: BrokerBench, audience: Audience, seconds: float) -> None:
    table.put(500)
    table.every(5.0, lambda: table.put(2), times=int(seconds / 5))
    table.run(seconds)
    assert audience.tries


def test_ten_minutes_without_a_subscriber_are_one_short_probe_each_half_minute(
    bench: Benches, make_outbox: Any
) -> None:
    table = bench(outbox=make_outbox, stream=HOLD)
    audience = Audience(table)
    _alone_for(table, audience, 10 * MINUTE)
    assert _waits_s(audience)[:7] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert set(_waits_s(audience)[7:]) == {30.0}
    assert {size for moment_s, size in audience.tries if moment_s > audience.tries[0][0]} == {1}
    probes = [moment_s for moment_s, _ in audience.tries if moment_s > audience.tries[0][0]]
    assert len(set(probes)) == len(probes), "one at a time"
    assert table.publisher.counters.held == len(audience.tries)
    assert table.publisher.counters.no_subscriber == 0
    assert not table.outbox.acknowledged
    assert len(table.broker.published("/state/")) > 100, "states go on"
    held = table.outbox.pending
    audience.is_there = True
    assert not table.finish(31.0), "as soon as a probe is heard the stream flows"
    assert table.log.names() == ["broker_connected", "stream_held", "stream_resumed"]
    assert table.log.facts("stream_resumed") == [{"pending": held}]
    assert table.view.copies == 0
    assert table.view.seqs == list(range(1, table.last_seq + 1))


def test_a_subscriber_who_leaves_in_the_middle_of_a_window_is_waited_for(bench: Benches) -> None:
    """Of many messages in flight some found nobody: these are sent again, the lowest first, and nothing else."""
    table = bench(stream=HOLD)
    audience = Audience(table)
    audience.is_there = True
    heard: list[bytes] = []
    away_for = iter([False, False, True, False, True, True] + [False] * 10_000)

    def policy(packet: Packet) -> Answer:
        if not packet.topic.endswith("/events"):
            return Ack()
        answer = Ack(reason=0x10 if next(away_for) else 0)
        heard.extend([packet.payload] if answer.reason == 0 else [])
        table.answer_later(0.3, packet, answer)
        return Ack(packet_id=65_000)

    table.broker.policy = policy
    table.every(0.1, lambda: table.put(1), times=30)
    table.run(3.0)
    assert not table.finish()
    assert table.view.copies == 0
    assert table.publisher.counters.held == 3


def test_holding_outlives_connections_and_is_told_once(bench: Benches) -> None:
    table = bench(stream=HOLD)
    audience = Audience(table)
    for minute in (1, 2, 3):
        table.later(minute * MINUTE, table.broker.cut)
    _alone_for(table, audience, 4 * MINUTE)
    assert table.log.names().count("stream_held") == 1
    assert max(size for moment_s, size in audience.tries if moment_s > 1.0) == 1, (
        "on a new connection too one short probe goes ahead"
    )
    audience.is_there = True
    assert not table.finish(31.0)
    assert table.log.names().count("stream_resumed") == 1


def test_the_limits_still_apply_while_events_are_held(bench: Benches, make_outbox: Any) -> None:
    limits = {"segment_size": 65_536, "max_size": 4 * 65_536, "hot_cap": 65_536, "hot_slack": 8192}
    table = bench(outbox=lambda clock: make_outbox(clock, **limits), stream=HOLD)
    audience = Audience(table)
    table.every(1.0, lambda: table.put(100), times=300)
    table.run(6 * MINUTE)
    assert audience.tries
    dropped = table.outbox.counters.dropped
    assert dropped > 1000
    audience.is_there = True
    assert table.run(120.0, lambda: not table.outbox.pending)
    missing = {seq for first, last, cause in table.view.gaps for seq in range(first, last + 1) if cause == "limit"}
    assert set(table.view.seqs) | missing == set(range(1, table.last_seq + 1))
    assert len(missing) > 1000


def test_without_the_option_it_counts_as_delivered_and_is_counted_apart(bench: Benches) -> None:
    table = bench()
    Audience(table)
    table.promises.add(0x10)
    table.put(5)
    assert not table.finish()
    assert table.publisher.counters.no_subscriber == 5
    assert table.publisher.counters.held == 0
    assert "stream_held" not in table.log.names()


@pytest.mark.parametrize("broken", ["never pauses", "is off"])
def test_control_hold(bench: Benches, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    table = bench(stream=HOLD if broken == "never pauses" else {})
    audience = Audience(table)
    if broken == "never pauses":
        monkeypatch.setattr("sensor_gateway.publishing.stream.obstacle._LONGEST_PAUSE_S", 0.5)
    _alone_for(table, audience, MINUTE)
    assert _waits_s(audience)[:6] != [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert table.outbox.acknowledged or len(audience.tries) > 20


def test_on_3_1_1_the_stream_stays_held_with_a_sentence_and_all_else_is_said(bench: Benches) -> None:
    """There no answer tells of subscribers. As soon as the broker speaks MQTT 5, the events go."""
    is_old = [True]

    def connack(_number: int, packet: Packet) -> Connack:
        return Connack(reason=0x84) if is_old[0] and packet.body[6] == 5 else Connack()

    table = bench(connack=connack, stream=HOLD)
    table.every(5.0, lambda: table.put(2), times=120)
    table.later(MINUTE, table.broker.cut)
    table.run(10 * MINUTE)
    assert table.broker.published("/status")
    assert len(table.broker.published("/state/")) > 100
    assert not table.broker.published("/events")
    assert not table.outbox.acknowledged
    assert [facts["why"] for facts in table.log.facts("stream_held")] == [table.publisher.report.why]
    assert "outbox.hold_when_no_subscriber needs MQTT 5" in table.publisher.report.why
    is_old[0] = False
    table.broker.cut()
    assert not table.finish()
