"""Who is to blame when a broker refuses or hangs up: an event only on evidence, never for a topic, link or stranger.

Virtual time; each family has a control, a publisher that blames wrongly, which the same judge catches.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.broker_bench import BrokerBench
from proving.logs import Quiet

from sensor_gateway.model.position import Position
from sensor_gateway.model.vitals.gateway_health import LinkState
from sensor_gateway.publishing.delivery import Delivery
from sensor_gateway.publishing.linking.link import Link
from sensor_gateway.publishing.mqtt import _Inbox
from sensor_gateway.publishing.retained.herald import Herald
from sensor_gateway.publishing.stream import events
from sensor_gateway.publishing.stream.batch import StoredEvent, place
from sensor_gateway.publishing.stream.feed import Feed
from sensor_gateway.publishing.stream.suspicion import Suspicion
from sensor_gateway.publishing.wire.greeting import Loss
from sensor_gateway.service import refused_events
from sensor_gateway.service.refused_events import RefusedEvents
from sensor_gateway.testing.fake_broker import Ack, Answer, Close, Connack, Reset, Silence
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]

MINUTE = 60.0
HOUR = 3600.0


def _is_stream(packet: Packet) -> bool:
    return packet.topic.endswith("/events")


def _has(packet: Packet, value: float) -> bool:
    return _is_stream(packet) and f'"value":{value},'.encode() in packet.payload


# A topic that the broker forbids


WAYS: dict[str, Answer] = {
    "refused": Ack(reason=0x87),
    "closed": Close(),
    "reset": Reset(),
    "told_why": Close(reason=0x87),
}
TOPICS = ["/status", "/meta", "/availability/s1", "/state/s0", "/state/"]


def _forbidding(topic: str, way: str) -> Callable[[Packet], Answer]:
    return lambda packet: WAYS[way] if topic in packet.topic else Ack()


def _lived_under(table: BrokerBench, policy: Callable[[Packet], Answer]) -> list[str]:
    """Twenty minutes of such a broker, with an event each 5 s. By then the stream must flow without delay."""
    table.broker.policy = policy
    table.every(5.0, lambda: table.put(2), times=240)
    table.run(20 * MINUTE)
    table.run(10.0, lambda: not table.outbox.pending)
    waiting = [f"{table.outbox.pending} wait"] if table.outbox.pending else []
    return waiting + table.faults() + [f"set aside: {seq}" for seq in table.quarantined]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    ("way", "version"),
    [("refused", "5"), ("closed", "5"), ("reset", "5"), ("told_why", "5"), ("closed", "3.1.1"), ("reset", "3.1.1")],
)
def test_a_forbidden_topic_is_blamed_itself_and_the_stream_goes_on(
    bench: Benches, topic: str, way: str, version: str
) -> None:
    table = bench(version=version)
    assert not _lived_under(table, _forbidding(topic, way))
    assert "client_id_taken" not in table.log.names()
    blamed = {facts["topic"] for facts in table.log.facts("topic_closes_connection")}
    if way != "refused":
        assert {name.split("greenhouse")[1].split("/")[1] for name in blamed} == {topic.split("/")[1]}
        assert len(table.log.facts("topic_closes_connection")) == 1, "said once"
    elif "/state" not in topic:
        assert table.log.facts("topic_denied") == [{"topic": f"sensors/v1/greenhouse{topic}"}]


def test_a_topic_that_was_left_out_is_said_as_soon_as_it_is_allowed_again(bench: Benches) -> None:
    table = bench()
    assert not _lived_under(table, _forbidding("/status", "closed"))
    tried = len(table.broker.published("/status"))
    assert tried <= 12, "four to find out, and one each five minutes"
    table.broker.policy = lambda _packet: Ack()
    assert table.run(6 * MINUTE, lambda: len(table.broker.published("/status")) > tried)
    assert not table.finish()


def test_states_that_were_left_out_are_published_as_soon_as_they_are_allowed_again(bench: Benches) -> None:
    table = bench()
    assert not _lived_under(table, _forbidding("/state/", "closed"))
    tried = len(table.broker.published("/state/"))
    table.broker.policy = lambda _packet: Ack()
    assert table.run(6 * MINUTE, lambda: len(table.broker.published("/state/")) > tried)
    table.put(1)
    table.run(1.0)
    assert json.loads(table.broker.published("/state/s0")[-1].payload)["value"] == 481.0, "and no longer with care"


@pytest.mark.parametrize("topic", ["/status", "/state/"])
def test_control_forbidden_topics(bench: Benches, monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    """Nothing but the stream is ever suspected."""
    monkeypatch.setattr(Herald, "blame", lambda *_: False)
    assert _lived_under(bench(), _forbidding(topic, "closed"))


def test_a_disconnect_with_not_authorized_over_the_stream_denies_the_stream(bench: Benches) -> None:
    table = bench(Close)
    table.broker.policy = lambda packet: Close(reason=0x87) if _is_stream(packet) else Ack()
    table.put(3)
    table.run(HOUR)
    assert table.log.names().count("stream_denied") == 1
    assert not table.quarantined
    assert not table.outbox.acknowledged
    table.broker.policy = lambda _packet: Ack()
    assert not table.finish()


def _lived_hung_up_on(table: BrokerBench) -> list[str]:
    """An hour in which the broker hangs up over whatever is sent to the stream, as a denial on MQTT 3.1.1 may be."""
    table.broker.policy = lambda packet: Close() if _is_stream(packet) else Ack()
    table.every(10.0, lambda: table.put(2), times=180)
    table.run(HOUR)
    return [f"set aside: {seq}" for seq in table.quarantined] + [f"taken: {seq}" for seq in table.outbox.acknowledged]


def test_a_stream_that_is_hung_up_on_keeps_all_events_and_costs_a_connection_every_five_minutes(
    bench: Benches,
) -> None:
    table = bench(retry_max_s=2.0)
    assert not _lived_hung_up_on(table)
    assert table.log.names().count("stream_denied") == 1
    assert table.broker.connections <= 20, "seven to find out, and one each five minutes"
    assert len(table.broker.published("/state/")) > 150, "states go on"
    table.broker.policy = lambda _packet: Ack()
    assert not table.finish()
    assert not table.quarantined


def test_control_hung_up(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that looks condemned is set aside before the broker took anything in its place."""
    quarantine = Feed.quarantine

    def hasty(self: Feed, event: StoredEvent, why: str) -> Any:
        self._set_aside(event, why)
        return quarantine(self, event, why)

    monkeypatch.setattr(Feed, "quarantine", hasty)
    assert _lived_hung_up_on(bench(retry_max_s=2.0))


def test_an_event_that_made_the_topic_look_denied_is_found_by_what_passes_behind_it(bench: Benches) -> None:
    """Three closes over the gap in its place were chance: the event is set aside, and all others arrive."""
    table = bench(retry_max_s=2.0)
    gaps: set[int] = set()

    def policy(packet: Packet) -> Answer:
        is_gap = _is_stream(packet) and b'"gap"' in packet.payload
        gaps.update({packet.connection} if is_gap else ())
        return Close() if _has(packet, 2.0) or (is_gap and len(gaps) <= 3) else Ack()

    table.broker.policy = policy
    table.put(4)
    assert table.run(6 * MINUTE, lambda: "stream_resumed" in table.log.names())
    assert not table.finish()
    assert set(table.quarantined) == {2}


# 0x87 on the stream


def _lived_denied(table: BrokerBench) -> list[str]:
    table.broker.policy = lambda packet: Ack(reason=0x87) if _is_stream(packet) else Ack()
    table.every(10.0, lambda: table.put(2), times=180)
    table.later(17 * MINUTE, table.broker.cut)
    table.run(HOUR / 2)
    return [f"set aside: {seq}" for seq in table.quarantined] + [f"taken: {seq}" for seq in table.outbox.acknowledged]


def test_a_denied_stream_is_tried_on_each_connection_and_every_five_minutes_and_quarantines_nothing(
    bench: Benches,
) -> None:
    table = bench()
    tries_s: list[float] = []
    assert not _lived_denied(table)
    tries = table.broker.published("/events")
    assert len(tries) <= 8, "five minutes from each to the next"
    assert len({packet.connection for packet in tries}) == 2
    assert len(table.broker.published("/state/")) > 150, "states go on"
    assert table.log.names().count("stream_denied") == 1
    table.broker.policy = lambda packet: tries_s.append(table.now_s) or Ack()
    assert not table.finish()
    assert table.now_s - HOUR / 2 <= 5 * MINUTE


@pytest.mark.parametrize("wrong", ["quarantine", "success"])
def test_control_denied(bench: Benches, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    if wrong == "success":
        monkeypatch.setattr(events, "FAILURE", 0x88)
    else:
        monkeypatch.setattr(events, "PAYLOAD_INVALID", 0x87)
    assert _lived_denied(bench())


# A link that dies


class DyingLink:
    """Dies ten seconds after each greeting, with the answers two seconds behind."""

    def __init__(self, table: BrokerBench, way: str, *, first_s: float = 2.0) -> None:
        self.table = table
        self.way = way
        self.first_s = first_s
        self.dead: set[int] = set()
        table.broker.policy = self
        table.broker.connack = self.greet

    def greet(self, number: int, _packet: Packet) -> Connack:
        self.table.later(10.1, lambda: self._die(number))
        return Connack()

    def __call__(self, packet: Packet) -> Answer:
        if packet.connection not in self.dead:
            is_first = packet.connection <= 6 and _is_stream(packet)
            self.table.later(self.first_s if is_first else 2.0, lambda: self._answer(packet))
        return Silence()

    def _answer(self, packet: Packet) -> None:
        if packet.connection not in self.dead:
            self.table.broker.answer(packet, Ack())

    def _die(self, number: int) -> None:
        self.dead.add(number)
        way = ["silently", "by_reset", "by_close"][number % 3] if self.way == "in_all_ways" else self.way
        if way != "silently":
            self.table.broker.cut(by_reset=way == "by_reset")


def _lived_on(table: BrokerBench, seconds: float = HOUR) -> list[str]:
    """An event each 7 s; in each ten minutes there must be progress."""
    table.every(7.0, lambda: table.put(1), times=int(seconds / 7))
    faults = []
    for _ in range(int(seconds / 600)):
        before = len(table.outbox.acknowledged)
        table.run(600.0)
        if len(table.outbox.acknowledged) - before < 50:
            faults.append("no progress")
    return faults + [f"set aside: {seq}" for seq in table.quarantined]


def test_a_link_that_dies_every_ten_seconds_for_an_hour_condemns_no_event(bench: Benches, make_outbox: Any) -> None:
    """By our timeout, by a reset and by a close in turn."""
    table = bench(outbox=make_outbox, retry_max_s=2.0, ack_timeout_s=5.0)
    DyingLink(table, "in_all_ways")
    assert not _lived_on(table)
    table.broker.policy, table.broker.connack = (lambda _packet: Ack()), Connack()
    assert not table.finish()


def test_a_head_that_no_connection_answered_in_time_is_not_blamed(bench: Benches) -> None:
    """The link is so slow at first that the same healthy event is unanswered on six connections."""
    table = bench(retry_max_s=2.0, ack_timeout_s=5.0)
    DyingLink(table, "silently", first_s=60.0)
    table.put(1)
    assert table.run(5 * MINUTE, lambda: table.outbox.acknowledged)
    assert table.broker.connections >= 6
    assert not table.quarantined


@pytest.mark.parametrize("way", ["silently", "by_reset"])
def test_control_dying_link(bench: Benches, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Whatever is in flight when a connection ends, by whom ever, is condemned."""

    def ended(self: Delivery, session: Any, _loss: Loss, _now_s: float) -> None:
        for batch in session.window:
            if hasattr(batch, "entries"):
                self.stream.suspicion._strikes[place(batch.entries[0])] = 3

    monkeypatch.setattr(Delivery, "ended", ended)
    table = bench(retry_max_s=2.0, ack_timeout_s=5.0)
    DyingLink(table, way)
    assert _lived_on(table, 600.0)


def test_control_timeouts(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own timeout, taken for a close by the broker."""
    monkeypatch.setattr(_Inbox, "loss", lambda _self: Loss(by_peer=True, reason=None, text="closed"))
    monkeypatch.setattr("sensor_gateway.publishing.mqtt.Loss", lambda **facts: Loss(**{**facts, "by_peer": True}))
    table = bench(retry_max_s=2.0, ack_timeout_s=5.0)
    DyingLink(table, "silently", first_s=60.0)
    table.put(1)
    table.run(5 * MINUTE)
    assert table.quarantined


# Evidence


class Evidence:
    """The real file of refused events; notes for each acknowledgement what was safe on disk at that moment."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.file = folder / "state" / "refused-events.jsonl"
        self.keeper = RefusedEvents(self.file, Quiet())
        self.safe = b""
        self.passed_before_safe: list[int] = []
        patch.setattr(os, "fsync", self._sync)

    def keep(self, event: StoredEvent, why: str) -> None:
        self.keeper.keep(event, why)

    def watch(self, table: BrokerBench) -> None:
        inner = table.outbox
        acknowledge = inner.acknowledge

        def watched(first: Position, last: Position) -> None:
            kept = {json.loads(line)["event"]["seq"] for line in self.safe.splitlines()}
            heard = set(table.view.seqs)
            passed = set(range(first.seq, last.seq + 1))
            self.passed_before_safe += sorted(passed - heard - kept)
            acknowledge(first, last)

        inner.acknowledge = watched  # type: ignore[method-assign]

    def _sync(self, _descriptor: int) -> None:
        if self.file.exists():
            self.safe = self.file.read_bytes()


def _picky(packet: Packet) -> Answer:
    """Hangs up over 7, and will not have 3 and 5."""
    if _has(packet, 7.0):
        return Close()
    if _has(packet, 3.0):
        return Ack(reason=0x90)
    return Ack(reason=0x99) if _has(packet, 5.0) else Ack()


def test_exactly_what_evidence_speaks_against_is_set_aside_and_announced_in_its_place(
    bench: Benches, make_outbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = Evidence(tmp_path, monkeypatch)
    table = bench(_picky, outbox=make_outbox, set_aside=evidence.keep)
    evidence.watch(table)
    table.put(10)
    assert not table.finish()
    assert set(table.quarantined) == {4, 6, 8}, "one behind their values: the epoch's beginning is the first"
    assert [json.loads(line)["event"]["value"] for line in evidence.file.read_text("utf-8").splitlines()] == [3, 5, 7]
    assert table.view.gaps == [(4, 4, "quarantine"), (6, 6, "quarantine"), (8, 8, "quarantine")]
    order = [entry.get("seq", entry.get("from_seq")) for entry in table.view.promised.values()]
    assert order == list(range(1, 12)), "in their place"
    assert not evidence.passed_before_safe
    assert table.log.names().count("event_quarantined") == 3


def test_control_evidence(bench: Benches, make_outbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is acknowledged as it is given up, and kept afterwards."""
    evidence = Evidence(tmp_path, monkeypatch)
    table = bench(_picky, outbox=make_outbox, set_aside=evidence.keep)
    evidence.watch(table)
    quarantine = Feed.quarantine

    def hasty(self: Feed, event: StoredEvent, why: str) -> Any:
        self._outbox.acknowledge(event.position, event.position)
        return quarantine(self, event, why)

    monkeypatch.setattr(Feed, "quarantine", hasty)
    table.put(10)
    table.finish()
    assert evidence.passed_before_safe


@pytest.mark.parametrize("lost", [1, 2, 3, 7])
def test_an_event_is_set_aside_once_however_often_its_gap_is_lost_on_the_way(bench: Benches, lost: int) -> None:
    """The broker hangs up on the gap's message too, at first; three times make it look like the topic."""
    kept: list[int] = []
    gaps: set[int] = set()
    table = bench(set_aside=lambda event, _why: kept.append(event.position.seq), retry_max_s=2.0)

    def policy(packet: Packet) -> Answer:
        is_gap = _is_stream(packet) and b'"gap"' in packet.payload
        gaps.update({packet.connection} if is_gap else ())
        return Close() if _has(packet, 2.0) or (is_gap and len(gaps) <= lost) else Ack()

    table.broker.policy = policy
    table.put(3)
    assert not table.finish()
    assert kept == [2]
    assert table.log.names().count("event_quarantined") == 1
    assert table.log.names().count("stream_denied") == lost // 3


def test_what_is_set_aside_is_bounded_and_the_stream_goes_on(
    bench: Benches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_events, "MOST_BYTES", 3000)
    keeper = RefusedEvents(tmp_path / "refused-events.jsonl", Quiet())
    table = bench(
        lambda packet: Ack(reason=0x99) if _is_stream(packet) and b'"value"' in packet.payload else Ack(),
        set_aside=keeper.keep,
    )
    table.put(50)
    assert not table.finish()
    assert len(table.quarantined) == 50
    assert 2000 < (tmp_path / "refused-events.jsonl").stat().st_size <= 3000


# A stranger with our client id


def _fought(table: BrokerBench, stranger_after_s: float, seconds: float = 20 * MINUTE) -> int:
    """So long, in which a stranger takes our connection each time: how often was it opened?"""

    def greet(number: int, _packet: Packet) -> Connack:
        table.later(stranger_after_s, lambda: table.broker.cut() if table.broker.connections == number else None)
        return Connack()

    table.broker.connack = greet
    table.every(1.0, lambda: table.put(1), times=int(seconds))
    table.run(seconds)
    return table.broker.connections


@pytest.mark.parametrize("answers_after_s", [0.0, 0.7], ids=["at_rest", "busy"])
def test_a_stranger_who_takes_the_connection_each_time_is_left_alone_for_minutes(
    bench: Benches, answers_after_s: float
) -> None:
    """mosquitto says nothing. Busy: most of the time something is unanswered when it happens."""
    table = bench()

    def slow(packet: Packet) -> Answer:
        table.answer_later(answers_after_s, packet, Ack())
        return Silence()

    table.broker.policy = slow if answers_after_s else lambda _packet: Ack()
    assert _fought(table, 5.35) <= 25
    assert "client_id_taken" in table.log.names()
    assert not table.quarantined
    waits_s = [wait_s for wait_s in table.connector.waits_s if wait_s > 100]
    assert waits_s, "five minutes, with jitter"
    assert all(150.0 <= wait_s <= 300.0 for wait_s in waits_s)
    assert len(set(waits_s)) == len(waits_s)
    table.broker.connack = Connack()
    assert not table.finish()


def test_control_stranger(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Link, "_is_taken", lambda *_: False)
    table = bench(retry_max_s=2.0)
    assert _fought(table, 5.35, 3 * MINUTE) > 25


def test_who_is_told_of_a_takeover_comes_back_after_five_minutes_with_jitter(bench: Benches) -> None:
    table = bench()
    table.put(3)
    table.later(60.0, lambda: table.broker.send(b"\xe0\x01\x8e"))
    table.later(61.0, lambda: table.put(3))
    table.run(2 * MINUTE)
    assert table.publisher.report.state is LinkState.REFUSED
    assert "greenhouse-1" in table.publisher.report.why
    assert table.outbox.pending == 3
    assert not table.finish()
    assert 150.0 <= table.now_s - 60.0 <= 300.0
    assert table.broker.connections == 2


def test_suspicion_of_nobody_is_the_rule(bench: Benches) -> None:
    """After all of that, a good broker is served at full speed again."""
    table = bench(_picky, retry_max_s=2.0)
    table.put(10)
    assert not table.finish()
    suspicion: Suspicion = table.publisher._delivery.stream.suspicion
    assert not suspicion.is_careful
    assert not suspicion.is_single
