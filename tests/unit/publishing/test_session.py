"""Patience: the broker is given its time, and our own stalls are not held against it."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.session import Connection, Session
from sensor_gateway.publishing.wire.greeting import Greeting, Loss, Protocol
from sensor_gateway.publishing.wire.mailbox import Mailbox

STATUS = Announcement(topic="status", payload=b"online")


class Client:
    """A client without a socket: what is published stays unanswered until ``answers`` is filled."""

    def __init__(self) -> None:
        self.protocol = Protocol.V5
        self.keepalive_s = 60.0
        self.wants_write = False
        self.answers: deque[tuple[int, int]] = deque()
        self.grants: deque[tuple[int, ...]] = deque()
        self.mailbox = Mailbox()
        self.has_unread = False
        self.loss: Loss | None = None
        self.ids = 0
        self.tended = 0

    def publish(self, _topic: str, _payload: bytes, *, retain: bool) -> int:
        self.ids += 1
        return self.ids

    def serve(self, *, readable: bool, writable: bool) -> None: ...

    def tend(self) -> None:
        self.tended += 1

    def close(self, why: str, *, is_planned: bool = False) -> None:
        self.loss = self.loss or Loss(by_peer=False, reason=None, text=why, is_planned=is_planned)


@pytest.fixture
def client() -> Any:
    return Client()


@pytest.fixture
def session(client: Any) -> Session:
    connection = Connection(client=client, descriptor=7, limits=Greeting(reason=0, text="Success"))
    return Session(connection, ack_timeout_s=30.0, now_s=0.0)


def _turn(session: Session, now_s: float) -> None:
    session.turn(now_s, readable=False, writable=False)
    session.will_wait(session.wait_s())


def test_a_message_that_stays_unanswered_ends_the_connection_after_its_deadline(session: Session, client: Any) -> None:
    _turn(session, 0.0)
    assert session.publish(STATUS, "status", b"online", retain=True)
    now_s = 0.0
    while client.loss is None and now_s < 100:
        now_s += max(session.wait_s(), 0.001)
        _turn(session, now_s)
    assert now_s == pytest.approx(30.0, abs=0.5)
    assert "unanswered" in client.loss.text


def test_a_stall_of_our_own_is_not_the_broker_s_silence(session: Session, client: Any) -> None:
    _turn(session, 0.0)
    session.publish(STATUS, "status", b"online", retain=True)
    session.will_wait(session.wait_s())
    _turn(session, 3600.0)
    assert client.loss is None
    client.answers.append((1, 0))
    (answer,) = session.turn(3600.1, readable=True, writable=False)
    assert answer.content is STATUS
    assert len(session.window) == 0


def test_even_stall_after_stall_a_dead_broker_is_left_in_the_end(session: Session, client: Any) -> None:
    _turn(session, 0.0)
    session.publish(STATUS, "status", b"online", retain=True)
    for turn in range(40):
        _turn(session, 3600.0 * turn)
    assert client.loss is not None


def test_answers_to_what_this_connection_did_not_send_mean_nothing(session: Session, client: Any) -> None:
    session.publish(STATUS, "status", b"online", retain=True)
    client.answers.extend([(7, 0), (0, 0), (1, 0x10), (1, 0)])
    answers = session.turn(1.0, readable=True, writable=False)
    assert [answer.reason for answer in answers] == [0x10]


def test_a_message_that_could_not_be_sent_ends_the_connection(session: Session, client: Any) -> None:
    client.publish = lambda *_args, **_more: 0
    assert not session.publish(STATUS, "status", b"online", retain=True)
    assert client.loss is not None
    assert len(session.window) == 0


def test_pings_are_looked_after_every_few_seconds(session: Session, client: Any) -> None:
    now_s = 0.0
    while now_s < 60:
        _turn(session, now_s)
        now_s += session.wait_s()
    assert 10 <= client.tended <= 14
