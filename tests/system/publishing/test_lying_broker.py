"""The publisher against a broker that answers late, wrongly, twice or not at all, and hangs up, in virtual time.

The judge is a subscriber that drops duplicates: every event once, no id with two contents, first sends in order, and
nothing acknowledged that no broker said yes to. Each kind of lie has a control: a publisher that is broken on purpose,
and is caught by the same judge.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from proving.broker_bench import BrokerBench

from sensor_gateway.publishing.linking.connector import Connector, NoConnection
from sensor_gateway.publishing.mqtt import MqttClient, _Inbox
from sensor_gateway.publishing.session import Connection
from sensor_gateway.publishing.stream import events
from sensor_gateway.publishing.stream.feed import Feed
from sensor_gateway.publishing.stream.obstacle import Obstacle
from sensor_gateway.publishing.window import Window
from sensor_gateway.publishing.wire.greeting import Loss, Protocol
from sensor_gateway.testing.fake_broker import Ack, Answer, Close, Connack, Reset, Silence
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]
Breaking = Callable[[pytest.MonkeyPatch], None]

BACKLOG = 40


def _is_stream(packet: Packet) -> bool:
    return packet.topic.endswith("/events")


def _lived(table: BrokerBench, policy: Callable[[Packet], Answer], *, seconds: float = 200.0) -> list[str]:
    """Three events a second against such a broker, and then an honest one: what speaks against the publisher."""
    table.broker.policy = policy
    table.put(BACKLOG)
    table.every(1.0, lambda: table.put(3), times=int(seconds))
    table.run(seconds)
    table.broker.policy = lambda _packet: Ack()
    return table.finish()


# Answers


class Answers:
    """Policies about single answers. Each is good to announcements, so that it is the stream that suffers."""

    def __init__(self, table: BrokerBench, seed: int = 1) -> None:
        self.table = table
        self.chance = random.Random(seed)
        self.waiting: list[Packet] = []

    def late(self, packet: Packet) -> Answer:
        """Up to the deadline, and at times beyond it."""
        self.table.answer_later(self.chance.choice([0.01, 1.0, 29.0, 31.0]), packet, Ack())
        return Silence()

    def missing(self, _packet: Packet) -> Answer:
        return Ack() if self.chance.random() < 0.8 else Silence()

    def doubled(self, _packet: Packet) -> Answer:
        return Ack(times=self.chance.choice([1, 2, 5]))

    def for_unknown_ids(self, packet: Packet) -> Answer:
        """Ids that were never given out, that are not given out yet, and that no packet has."""
        for stranger in (0, packet.packet_id + self.chance.randint(101, 200), 60_000, 65_535):
            self.table._answer(packet, Ack(packet_id=stranger))
        return Ack() if self.chance.random() < 0.8 else Silence()

    def negative(self, packet: Packet) -> Answer:
        """With 0x90 and 0x99, which are evidence against an event sent alone, only for messages of several."""
        reasons = [0x80, 0x83, 0x87, 0x97, 0x91] + ([0x90, 0x99] if packet.payload.count(b'"id"') > 1 else [])
        return Ack(reason=self.chance.choice(reasons)) if self.chance.random() < 0.4 else Ack()

    def in_another_order(self, packet: Packet) -> Answer:
        self.waiting.append(packet)
        if len(self.waiting) == 1:
            self.table.later(3.5, self._answer_all)
        return Silence()

    def _answer_all(self) -> None:
        waiting, self.waiting = self.waiting, []
        for packet in self.chance.sample(waiting, len(waiting)):
            self.table.broker.answer(packet, Ack(reason=self.chance.choice([0, 0, 0x97])))


KINDS = ["late", "missing", "doubled", "for_unknown_ids", "negative", "in_another_order"]


def _policy(table: BrokerBench, kind: str) -> Callable[[Packet], Answer]:
    lie = getattr(Answers(table), kind)
    return lambda packet: lie(packet) if _is_stream(packet) else Ack()


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_loses_an_event_or_is_taken_for_another(bench: Benches, kind: str) -> None:
    table = bench()
    assert not _lived(table, _policy(table, kind))
    assert not table.quarantined


@pytest.mark.parametrize("kind", ["missing", "negative", "late"])
def test_the_same_with_the_real_outbox(bench: Benches, make_outbox: Any, kind: str) -> None:
    table = bench(outbox=make_outbox)
    assert not _lived(table, _policy(table, kind))
    assert not table.quarantined
    assert table.view.seqs[0] == 1, "the epoch's beginning"


def _settles_the_oldest(patch: pytest.MonkeyPatch) -> None:
    def settle(self: Window[Any], _packet_id: int) -> Any:
        return self._unanswered.pop(next(iter(self._unanswered)), None) if self._unanswered else None

    patch.setattr(Window, "settle", settle)


def _takes_a_refusal_for_success(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(events, "FAILURE", 0x100)


def _forgets_what_was_refused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(events, "_in_order", lambda groups, *_more: [*groups])


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (_settles_the_oldest, "for_unknown_ids"),
        (_settles_the_oldest, "in_another_order"),
        (_takes_a_refusal_for_success, "negative"),
        (_forgets_what_was_refused, "negative"),
    ],
)
def test_control_answers(bench: Benches, monkeypatch: pytest.MonkeyPatch, broken: Breaking, kind: str) -> None:
    table = bench()
    broken(monkeypatch)
    assert _lived(table, _policy(table, kind))


@pytest.mark.parametrize(("after_s", "connections"), [(29.9, 1), (30.1, 2)])
def test_an_answer_just_below_the_deadline_counts_and_one_beyond_it_comes_too_late(
    bench: Benches, after_s: float, connections: int
) -> None:
    table = bench()

    def policy(packet: Packet) -> Answer:
        if not _is_stream(packet) or packet.connection > 1:
            return Ack()
        table.answer_later(after_s, packet, Ack())
        return Silence()

    table.broker.policy = policy
    table.put(1)
    assert not table.finish()
    assert table.broker.connections == connections
    assert len(table.view.sent) == connections


# Accept, then drop


class Drops:
    """Brokers that hang up."""

    def __init__(self, table: BrokerBench) -> None:
        self.table = table
        self.chance = random.Random(3)

    def answers_and_hangs_up(self, packet: Packet) -> Answer:
        """PUBACK and FIN, or RST, in one go."""
        self.table.broker.answer(packet, Ack())
        return self.chance.choice([Silence(), Silence(), Close(), Reset()])

    def answers_half_of_a_window_and_hangs_up(self, packet: Packet) -> Answer:
        waiting = self.table.broker.published("/events", connection=packet.connection)
        if len(waiting) < self.chance.randint(1, 10):
            return Silence()
        for each in waiting[: (len(waiting) + 1) // 2]:
            self.table.broker.answer(each, Ack())
        return Close()

    def greets_and_is_silent(self, packet: Packet) -> Answer:
        return Silence() if packet.connection % 3 else Ack()


def _dropping(table: BrokerBench, kind: str) -> Callable[[Packet], Answer]:
    drops = Drops(table)
    if kind == "greets_and_is_silent":
        return drops.greets_and_is_silent
    return lambda packet: getattr(drops, kind)(packet) if _is_stream(packet) else Ack()


DROPS = ["answers_and_hangs_up", "answers_half_of_a_window_and_hangs_up", "greets_and_is_silent"]


@pytest.mark.parametrize("kind", DROPS)
def test_a_broker_that_accepts_and_drops_costs_no_event(bench: Benches, make_outbox: Any, kind: str) -> None:
    table = bench(outbox=make_outbox, stream={"drain_rate": 1000.0}, retry_max_s=2.0)
    assert not _lived(table, _dropping(table, kind))
    assert not table.quarantined
    assert table.broker.connections > 2


@pytest.mark.parametrize("kind", DROPS[1:])
def test_control_drops(bench: Benches, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """A feed that goes on behind what was in flight, on a new connection too."""
    table = bench(retry_max_s=2.0)
    monkeypatch.setattr(Feed, "rewind", lambda self, room: setattr(self, "_room", room))
    assert _lived(table, _dropping(table, kind))


def _hangs_up_before_the_greeting(table: BrokerBench) -> Callable[[Packet], Answer]:
    """Three times of four; between them it answers so late that something is unanswered when it is cut off."""
    table.broker.connack = lambda number, _packet: Connack(closes=number % 4 > 0)
    table.every(20.0, table.broker.cut, times=10)

    def late(packet: Packet) -> Answer:
        table.answer_later(3.0, packet, Ack())
        return Silence()

    return late


def _versions(table: BrokerBench) -> set[int]:
    return {packet.body[6] for packet in table.broker.kinds("CONNECT")}


def test_a_broker_that_hangs_up_before_the_greeting_costs_no_event_and_stays_on_mqtt_5(bench: Benches) -> None:
    table = bench(retry_max_s=2.0)
    assert not _lived(table, _hangs_up_before_the_greeting(table))
    assert _versions(table) == {5}
    assert table.broker.connections > 40


def _falls_back_whatever_was_wrong(self: Connector) -> Connection:
    try:
        return self._greeted(Protocol.V5)
    except NoConnection:
        return self._greeted(Protocol.V311)


def test_control_hanging_up_before_the_greeting(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed as above, and a connector that takes each failure for a broker that does not know MQTT 5."""
    table = bench(retry_max_s=2.0)
    monkeypatch.setattr(Feed, "rewind", lambda self, room: setattr(self, "_room", room))
    assert _lived(table, _hangs_up_before_the_greeting(table))
    monkeypatch.undo()
    table = bench(retry_max_s=2.0)
    monkeypatch.setattr(Connector, "connect", _falls_back_whatever_was_wrong)
    _lived(table, _hangs_up_before_the_greeting(table))
    assert _versions(table) == {4, 5}


# Yes, and then lost


def test_what_a_broker_takes_and_loses_is_lost_and_the_judge_says_so(
    bench: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promise ends at the PUBACK: of what the broker says yes to and passes on to nobody, nothing is sent again."""
    table = bench()
    promise, lost = table.view.promise, []

    def pass_on(packet: Packet) -> None:
        if packet.number % 10 == 0:
            lost.append(packet)
        else:
            promise(packet)

    monkeypatch.setattr(table.view, "promise", pass_on)
    faults = _lived(table, lambda _packet: Ack())
    gone = sorted(entry["seq"] for packet in lost for entry in json.loads(packet.payload))
    assert faults == [f"never arrived: {gone}", f"acknowledged, and no broker said so: {gone}"]
    assert len(gone) > 20
    assert len(table.view.sent) == table.last_seq, "nothing is sent twice"


# The former connection


def _renewed_with_an_answer_on_its_way(table: BrokerBench, patch: pytest.MonkeyPatch) -> int:
    """The PUBACK of connection 1 reaches our socket in the moment in which we close it. What is acknowledged then?"""
    close = MqttClient.close

    def late(self: MqttClient, why: str) -> None:
        for packet in table.broker.published("/events", connection=1):
            table.broker.answer(packet, Ack())
        close(self, why)

    patch.setattr(MqttClient, "close", late)
    table.broker.policy = lambda packet: Silence() if _is_stream(packet) else Ack()
    table.put(1)
    table.run(45.0)
    first, second = table.broker.published("/events")
    assert (first.connection, second.connection) == (1, 2)
    assert first.packet_id == second.packet_id
    return len(table.outbox.acknowledged)


def test_an_answer_of_the_former_connection_counts_for_nothing(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    table = bench()
    assert not _renewed_with_an_answer_on_its_way(table, monkeypatch)
    monkeypatch.undo()
    table.broker.policy = lambda _packet: Ack()
    assert not table.finish()


def test_control_the_former_connection(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of all connections in one queue, into which the former connection is still read after the swap."""
    shared = _Inbox().answers
    made = _Inbox.__init__

    def sharing(self: _Inbox) -> None:
        made(self)
        self.answers = shared

    serve = MqttClient.serve
    former: list[MqttClient] = []

    def leaving_open(self: MqttClient, why: str) -> None:
        self._own_loss = Loss(by_peer=False, reason=None, text=why)
        former.append(self)

    def serving_both(self: MqttClient, *, readable: bool, writable: bool) -> None:
        for each in former if self.greeting else ():
            serve(each, readable=True, writable=False)
        serve(self, readable=readable, writable=writable)

    monkeypatch.setattr(_Inbox, "__init__", sharing)
    monkeypatch.setattr(MqttClient, "close", leaving_open)
    monkeypatch.setattr(MqttClient, "serve", serving_both)
    assert _renewed_with_an_answer_on_its_way(bench(), monkeypatch)


# A quota that is used up


class Quota:
    """Refuses at random, and looks whether the window empties then, and goes on with the lowest."""

    def __init__(self, table: BrokerBench, share: float) -> None:
        self.table = table
        self.share = share
        self.chance = random.Random(round(share * 100))
        self.unanswered = 0
        self.is_refused = False
        self.faults: list[str] = []

    def __call__(self, packet: Packet) -> Answer:
        if not _is_stream(packet):
            return Ack()
        if self.is_refused:
            self.is_refused = False
            lowest = min(self.table.outbox.inner._waiting)
            if self.unanswered:
                self.faults.append(f"{self.unanswered} unanswered after a refusal, and more is sent")
            if f'"seq":{lowest},'.encode() not in packet.payload:
                self.faults.append(f"{lowest} is the lowest, and something else is sent first")
        self.unanswered += 1
        self.table.later(self.chance.uniform(0.1, 3.0), lambda: self._answer(packet))
        return Silence()

    def _answer(self, packet: Packet) -> None:
        self.unanswered -= 1
        is_refused = self.chance.random() < self.share
        self.is_refused = self.is_refused or is_refused
        self.table.broker.answer(packet, Ack(reason=0x97 if is_refused else 0))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_quota_that_is_used_up_at_random_empties_the_window_and_loses_nothing(bench: Benches, share: float) -> None:
    table = bench()
    quota = Quota(table, share)
    assert not _lived(table, quota)
    assert not quota.faults
    assert not table.quarantined


def test_control_quota(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused messages are sent again in between, while others are on their way."""
    table = bench()
    quota = Quota(table, 0.3)
    monkeypatch.setattr(Obstacle, "lets_pass", lambda *_: True)
    _lived(table, quota)
    assert quota.faults


# All of it


class Chaos:
    """Everything above at random; which of it is likely changes with each connection."""

    def __init__(self, table: BrokerBench, seed: int) -> None:
        self.table = table
        self.chance = random.Random(seed)
        self.mood = 0.0
        self.last: Packet | None = None

    def connack(self, _number: int, _packet: Packet) -> Connack:
        self.mood = self.chance.choice([0.02, 0.1, 0.3])
        return Connack(
            closes=self.chance.random() < 0.2,
            receive_maximum=self.chance.choice([None, 1, 2, 10]),
            maximum_packet=self.chance.choice([None, 1000, 5000]),
        )

    def __call__(self, packet: Packet) -> Answer:
        if b'"value":77.0' in packet.payload and _is_stream(packet):
            return Ack(reason=0x99)
        if self.chance.random() > self.mood:
            return Ack()
        former, self.last = self.last, packet
        lie = self.chance.randrange(9)
        if lie == 0:
            self.table.answer_later(self.chance.uniform(0.0, 40.0), packet, Ack(times=2))
        elif lie == 1:
            self.table.answer_later(self.chance.uniform(0.0, 40.0), packet, Ack(reason=0x97))
        elif lie == 2:
            self.table.broker.answer(packet, Ack())
        is_over = lie in {2, 3}
        if is_over or lie == 4:
            return self.chance.choice([Close(), Reset(), Close(reason=self.chance.choice([0x8B, 0x93, 0x8E]))])
        if lie in {0, 1, 5}:
            return Silence()
        if lie == 6 and former is not None and former.connection == packet.connection:
            return Ack(packet_id=former.packet_id)
        return Ack(reason=self.chance.choice([0x80, 0x83, 0x87, 0x97, 0x10]))


def _through_chaos(table: BrokerBench, seed: int) -> list[str]:
    chaos = Chaos(table, seed)
    table.broker.connack = chaos.connack
    table.every(47.0, lambda: table.put(200), times=10)
    faults = _lived(table, chaos, seconds=500.0)
    table.broker.connack = Connack()
    return faults


@pytest.mark.parametrize("seed", [1, 2])
def test_chaos(bench: Benches, make_outbox: Any, seed: int) -> None:
    """Eight minutes of everything, and the judge finds each event once or announced in its place."""
    table = bench(outbox=make_outbox if seed % 2 else None, seed=seed, retry_max_s=5.0)
    assert not _through_chaos(table, seed)
    assert 77 + seed % 2 in table.quarantined, "the one that is poison"
    assert len(table.quarantined) <= 3, "but for some that met three closes in a row"
    assert table.view.copies, "at least once is what QoS 1 promises"


@pytest.mark.parametrize("broken", [_settles_the_oldest, _takes_a_refusal_for_success])
def test_control_chaos(bench: Benches, monkeypatch: pytest.MonkeyPatch, broken: Breaking) -> None:
    table = bench(seed=1, retry_max_s=5.0)
    broken(monkeypatch)
    assert _through_chaos(table, 1)
