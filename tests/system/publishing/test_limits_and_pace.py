"""What a broker sets as its limits, and how fast a backlog drains behind live events. Virtual time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from proving.broker_bench import BrokerBench

from sensor_gateway.publishing.session import Session
from sensor_gateway.publishing.stream.pace import Pace
from sensor_gateway.publishing.window import Window
from sensor_gateway.testing.fake_broker import Ack, Answer, Connack, Silence
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]


# Limits


class Strict:
    """Answers after a moment, and counts on each connection what is unanswered, and how large packets are."""

    def __init__(self, table: BrokerBench) -> None:
        self.table = table
        self.unanswered: Counter[int] = Counter()
        self.most = 0
        self.largest = 0
        table.broker.policy = self

    def __call__(self, packet: Packet) -> Answer:
        self.largest = max(self.largest, len(packet.body) + 3)
        if packet.qos:
            self.unanswered[packet.connection] += 1
            self.most = max(self.most, self.unanswered[packet.connection])
            self.table.later(0.2, lambda: self._answer(packet))
        return Silence()

    def _answer(self, packet: Packet) -> None:
        self.unanswered[packet.connection] -= 1
        self.table.broker.answer(packet, Ack())


def _lived_within(table: BrokerBench, *, narrow: bool, receive_maximum: int | None) -> tuple[list[str], Strict]:
    """All kinds of messages due at once, on three connections, and one event that is too large for any of them."""
    strict = Strict(table)
    table.broker.connack = Connack(receive_maximum=receive_maximum, maximum_packet=1000 if narrow else None)
    object.__setattr__(table.sources[2], "sensor", "long" * 250)
    table.every(25.0, table.broker.cut, times=2)
    announcements = table.publisher._delivery.herald.announcements
    for number in range(60):
        health = f'{{"lost_total":{number}}}'.encode()
        table.later(float(number), partial(announcements.put, "sensors/v1/greenhouse/health", health))
        table.later(float(number), lambda: table.put(12))
    table.later(7.5, lambda: table.put(1, sensor=2))
    table.run(61.0)
    faults = table.finish()
    faults += [f"{strict.most} unanswered at once"] if strict.most > (receive_maximum or 100) else []
    faults += [f"a packet of {strict.largest} bytes"] if narrow and strict.largest > 1000 else []
    return faults, strict


@pytest.mark.parametrize(("narrow", "receive_maximum"), [(False, 1), (True, None), (True, 1), (True, 3)])
def test_limits_are_kept_with_everything_due_at_once(
    bench: Benches, make_outbox: Any, receive_maximum: int | None, *, narrow: bool
) -> None:
    meta = b'{"schema_version":1,"label":"' + b"x" * 1500 + b'"}'
    table = bench(outbox=make_outbox, sensors=6, meta=meta)
    faults, _ = _lived_within(table, narrow=narrow, receive_maximum=receive_maximum)
    assert not faults
    assert bool(table.quarantined) is narrow
    assert len(table.view.gaps) == narrow
    order = [entry.get("seq", entry.get("from_seq")) for entry in table.view.promised.values()]
    assert order == list(range(1, 723)), "the gap stands in its place"
    assert bool(table.broker.published("/meta")) is not narrow
    too_large = table.log.facts("message_too_large")
    assert {facts["topic"] for facts in too_large} == ({"sensors/v1/greenhouse/meta"} if narrow else set())
    assert len(table.broker.published("/health")) > 50
    assert len(table.broker.published("/availability/s5")) >= 2
    assert table.broker.connections == 3


def test_control_receive_maximum(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Window, "has_room", property(lambda self: len(self) < 100))
    faults, _ = _lived_within(bench(sensors=6), narrow=False, receive_maximum=1)
    assert any("unanswered at once" in fault for fault in faults)


def test_control_maximum_packet(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "room", lambda *_: 64_000)
    faults, _ = _lived_within(bench(sensors=6), narrow=True, receive_maximum=None)
    assert any("a packet of" in fault for fault in faults)


# Pace


class Seqs:
    """A view of the seqs alone, for streams that are long."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def take(self, packet: Packet) -> None: ...

    def promise(self, packet: Packet) -> None:
        self.seqs += map(int, re.findall(rb'"seq":(\d+)', packet.payload))


def _drained(table: BrokerBench, *, backlog: int, live: int, within_s: float) -> list[str]:
    """A backlog, and so many live events in each second, four times a second: what is wrong about it?"""
    table.view = Seqs()  # type: ignore[assignment]
    for _ in range(backlog // 1000):
        table.outbox.append([*table.events(1000)])
    table.every(0.25, lambda: table.put(live // 4), times=int(within_s * 4))
    state_ages_s: list[float] = []

    def policy(packet: Packet) -> Answer:
        if "/state/" in packet.topic:
            state_ages_s.append(table.clock.stamp().uptime_ms / 1000 - json.loads(packet.payload)["uptime_ms"] / 1000)
        return Ack()

    table.broker.policy = policy
    faults = [] if table.run(within_s, lambda: table.outbox.pending <= live) else ["it does not end"]
    faults += ["live states are old"] if max(state_ages_s, default=0.0) > 1.0 else []
    seqs = table.view.seqs
    faults += [] if seqs == list(range(1, len(seqs) + 1)) else ["order is lost"]
    return faults


def test_a_backlog_of_100_000_ends_behind_live_events_at_80_percent_of_the_limit(bench: Benches) -> None:
    table = bench(stream={"drain_rate": 500.0})
    assert not _drained(table, backlog=100_000, live=400, within_s=300.0)
    assert table.now_s > 100, "and not at once"


def test_live_events_above_the_limit_cannot_keep_a_backlog_for_ever(bench: Benches) -> None:
    """It drains at twice the present event rate at least."""
    table = bench(stream={"drain_rate": 100.0})
    assert not _drained(table, backlog=5000, live=200, within_s=60.0)


def test_without_a_limit_a_backlog_goes_at_once(bench: Benches) -> None:
    table = bench(stream={"drain_rate": 0.0})
    assert not _drained(table, backlog=20_000, live=40, within_s=1.0)


def test_control_pace(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that does not look at the event rate."""
    monkeypatch.setattr(Pace, "limit", property(lambda self: self._drain_rate))
    table = bench(stream={"drain_rate": 100.0})
    assert _drained(table, backlog=5000, live=200, within_s=60.0) == ["it does not end"]
