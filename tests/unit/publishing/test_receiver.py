"""Messages reach those whom they are for, replies go out once, and no listener can end the publisher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from proving.logs import Journal

from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.announcements import Announcement, Announcements
from sensor_gateway.publishing.incoming import Incoming, Reply, Said
from sensor_gateway.publishing.receiving.receiver import Receiver
from sensor_gateway.publishing.wire.greeting import Loss

HELLO = Incoming(topic="a/hello", payload=b"", is_retained=False, expiry_s=None, response_topic=None, correlation=None)
LOST = Loss(by_peer=True, reason=None, text="closed")


class Ear:
    """A listener that says what it was told to say."""

    def __init__(self, *topics: str, says: Sequence[Said] = (), error: Exception | None = None) -> None:
        self.topics = topics
        self.heard: list[str] = []
        self.says = says
        self.error = error
        self.tended = 0

    def hear(self, incoming: Incoming, _now_s: float, _now: Stamp) -> Sequence[Said]:
        self.heard.append(incoming.topic)
        if self.error is not None:
            raise self.error
        return self.says

    def tend(self, _now_s: float, _now: Stamp) -> Sequence[Said]:
        self.tended += 1
        return ()

    def wait_s(self, _now_s: float) -> float:
        return inf


class Window(list[Any]):
    has_room = True


class Session:
    """A session without a socket: ``incoming`` is what came in, ``sent`` what went out."""

    def __init__(self, *incoming: Incoming) -> None:
        self.incoming = list(incoming)
        self.dropped = 0
        self.sent: list[Reply] = []
        self.window = Window()
        self.loss: Loss | None = None
        self.largest = 1000

    def subscribe(self, _filters: Any) -> None: ...

    def take_grants(self) -> list[tuple[int, ...]]:
        return []

    def take_incoming(self) -> tuple[list[Incoming], int]:
        taken, self.incoming = self.incoming, []
        dropped, self.dropped = self.dropped, 0
        return taken, dropped

    def room(self, _topic: str, _correlation: bytes | None = None) -> int:
        return self.largest

    def publish(self, reply: Reply, topic: str, payload: bytes, *, retain: bool) -> bool:
        assert (topic, payload, retain) == (reply.topic, reply.payload, False)
        self.sent.append(reply)
        return True


def _reply(topic: str = "r", payload: bytes = b"x", until_s: float = 10.0) -> Reply:
    return Reply(topic=topic, payload=payload, until_s=until_s)


def _receiver(journal: Journal, *ears: Ear, announce: Callable[[Announcement], None] = print) -> Receiver:
    return Receiver(ears, announce=announce, log=journal)


def test_a_message_reaches_everybody_who_asked_for_its_topic(journal: Journal, stamp: Any) -> None:
    ears = Ear("a/+"), Ear("b"), Ear("#")
    receiver = _receiver(journal, *ears)
    session: Any = Session(HELLO, replace(HELLO, topic="b"))
    receiver.hear(session, 0.0, stamp(0))
    assert [ear.heard for ear in ears] == [["a/hello"], ["b"], ["a/hello", "b"]]
    assert receiver.counters.received == 2


@pytest.mark.parametrize("topic", ["", "other", "a/+", "a/b/c", "#"])
def test_what_nobody_asked_for_is_counted_and_reaches_nobody(journal: Journal, stamp: Any, topic: str) -> None:
    ear = Ear("a/hello")
    receiver = _receiver(journal, ear)
    session: Any = Session(replace(HELLO, topic=topic))
    receiver.hear(session, 0.0, stamp(0))
    assert not ear.heard
    assert receiver.counters.unasked == 1


def test_a_listener_that_fails_is_told_once_and_ends_nothing(journal: Journal, stamp: Any) -> None:
    bad, good = Ear("a/+", error=RecursionError("deep")), Ear("a/+")
    receiver = _receiver(journal, bad, good)
    session: Any = Session(HELLO, HELLO, HELLO)
    receiver.hear(session, 0.0, stamp(0))
    assert len(good.heard) == 3
    assert journal.names() == ["listener_failed"]
    assert "RecursionError" in journal.facts("listener_failed")[0]["error"]


def test_an_announcement_goes_out_even_if_it_was_said_before(journal: Journal, stamp: Any) -> None:
    announcements = Announcements()
    word = Announcement(topic="homeassistant/device/x/config", payload=b"{}")
    receiver = _receiver(journal, Ear("a/+", says=[word]), announce=announcements.say)
    for _ in range(2):
        session: Any = Session(HELLO)
        receiver.hear(session, 0.0, stamp(0))
        due = announcements.peek(lambda _topic: False)
        assert due == word
        announcements.take(word)
        assert announcements.peek(lambda _topic: False) is None


def test_a_reply_goes_out_once(journal: Journal, stamp: Any) -> None:
    receiver = _receiver(journal, Ear("a/+", says=[_reply()]))
    session: Any = Session(HELLO)
    receiver.hear(session, 0.0, stamp(0))
    for _ in range(3):
        receiver.send(session, 1.0)
    assert session.sent == [_reply()]
    receiver.ended([_reply()], LOST, 2.0, is_evidence=True)
    again: Any = Session()
    receiver.send(again, 3.0)
    assert not again.sent
    assert receiver.counters.unreplied == 1


def test_a_reply_waits_for_room_and_for_a_connection_but_not_beyond_its_time(journal: Journal, stamp: Any) -> None:
    receiver = _receiver(journal, Ear("a/+", says=[_reply(until_s=5.0), _reply(until_s=9.0)]))
    session: Any = Session(HELLO)
    receiver.hear(session, 0.0, stamp(0))
    session.window.has_room = False
    receiver.send(session, 1.0)
    assert not session.sent
    assert not receiver.is_idle
    session.window.has_room = True
    receiver.send(session, 6.0)
    assert session.sent == [_reply(until_s=9.0)]
    assert receiver.is_idle
    assert receiver.counters.unreplied == 1


@pytest.mark.parametrize(
    "reply", [_reply(topic="a/#"), _reply(topic=""), _reply(until_s=-1.0), _reply(payload=b"x" * 2000)]
)
def test_a_reply_that_cannot_be_sent_is_counted(journal: Journal, stamp: Any, reply: Reply) -> None:
    receiver = _receiver(journal, Ear("a/+", says=[reply]))
    session: Any = Session(HELLO)
    receiver.hear(session, 0.0, stamp(0))
    receiver.send(session, 0.0)
    assert not session.sent
    assert receiver.counters.unreplied == 1


def test_replies_are_bounded(journal: Journal, stamp: Any) -> None:
    receiver = _receiver(journal, Ear("a/+", says=[_reply()] * 1000))
    session: Any = Session(HELLO)
    receiver.hear(session, 0.0, stamp(0))
    receiver.send(session, 0.0)
    assert len(session.sent) == 100
    assert receiver.counters.unreplied == 900


def test_what_the_broker_says_of_replies_is_counted(journal: Journal) -> None:
    receiver = _receiver(journal)
    for reason in (0x00, 0x10, 0x87):
        receiver.answered(reason)
    assert (receiver.counters.replied, receiver.counters.unreplied) == (2, 1)


def test_a_connection_that_ends_over_a_reply_speaks_against_nothing_else(journal: Journal) -> None:
    receiver = _receiver(journal)
    assert receiver.ended([_reply(), Announcement(topic="t", payload=b"")], LOST, 0.0, is_evidence=True)
    assert not receiver.ended([Announcement(topic="t", payload=b""), _reply()], LOST, 0.0, is_evidence=True)


def test_dropped_messages_are_counted_and_told_once(journal: Journal, stamp: Any) -> None:
    receiver = _receiver(journal, Ear("a/+"))
    for dropped in (0, 5, 7):
        session: Any = Session()
        session.dropped = dropped
        receiver.hear(session, 0.0, stamp(0))
    assert receiver.counters.dropped == 12
    assert journal.names() == ["incoming_dropped"]
