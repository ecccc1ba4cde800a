"""Asking the broker for messages: once per connection, told when refused, and never at the cost of delivery."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from proving.logs import Journal

from sensor_gateway.publishing.receiving.subscription import Subscription
from sensor_gateway.publishing.wire.greeting import Loss

CLOSED = Loss(by_peer=True, reason=None, text="the broker closed the connection")
FLOODED = Loss(by_peer=False, reason=None, text="a packet of 2 MB", by_incoming=True)


class Session:
    """Remembers what was asked. ``window`` is what is unanswered."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.window: list[object] = []

    def subscribe(self, filters: Any) -> None:
        self.asked.append(tuple(filters))


@pytest.fixture
def session() -> Any:
    return Session()


def _subscription(journal: Journal, *filters: str) -> Subscription:
    subscription = Subscription(filters or ("a/+", "b"), log=journal)
    subscription.begin()
    return subscription


def test_with_nothing_to_listen_to_nothing_is_asked(journal: Journal, session: Any) -> None:
    subscription = Subscription((), log=journal)
    subscription.begin()
    assert subscription.ask(session, 0.0)
    assert not session.asked
    assert subscription.wait_s(0.0) == inf


def test_it_asks_once_per_connection_and_for_each_filter_once(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal, "a/+", "b", "a/+")
    for now_s in (0.0, 1.0, 100.0):
        assert subscription.ask(session, now_s)
    assert session.asked == [("a/+", "b")]
    subscription.begin()
    assert subscription.ask(session, 101.0)
    assert len(session.asked) == 2


def test_a_refused_filter_is_told_once_until_it_was_granted(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    for reasons in ([1, 0x87], [1, 0x87], [1, 1], [0x80, 1]):
        subscription.begin()
        subscription.ask(session, 0.0)
        subscription.answered(reasons)
    told = [(facts["topic"], facts["reason"]) for facts in journal.facts("subscription_refused")]
    assert told == [("b", "0x87"), ("a/+", "0x80")]
    assert all("access list" in facts["why"] for facts in journal.facts("subscription_refused"))


def test_an_answer_that_nobody_waits_for_means_nothing(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    subscription.answered([0x87, 0x87])
    subscription.ask(session, 0.0)
    subscription.answered([1])
    subscription.answered([0x87, 0x87, 0x87])
    assert not journal.names()


def test_a_broker_that_hangs_up_on_the_request_is_not_asked_for_a_while(journal: Journal, session: Any) -> None:
    """AWS IoT Core closes the connection of a client that asks for what it may not have."""
    subscription = _subscription(journal)
    assert subscription.ask(session, 0.0), "trusted: other things follow at once"
    assert subscription.ended(CLOSED, 1.0, is_evidence=True)
    for number in range(3):
        assert not journal.names()
        subscription.begin()
        assert not subscription.ask(session, 10.0 + number), "suspected: it goes alone"
        assert subscription.ended(CLOSED, 11.0 + number, is_evidence=True)
    assert journal.names() == ["listening_suspended"]
    subscription.begin()
    assert subscription.ask(session, 20.0)
    assert len(session.asked) == 4
    assert 0 < subscription.wait_s(20.0) <= 300
    assert not subscription.ask(session, 320.0), "then it is tried again"
    assert len(session.asked) == 5
    subscription.answered([1, 1])
    assert subscription.ask(session, 321.0)


def test_a_suspected_request_waits_until_nothing_else_is_unanswered(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    subscription.ask(session, 0.0)
    subscription.ended(CLOSED, 1.0, is_evidence=True)
    subscription.begin()
    session.window.append("something")
    assert not subscription.ask(session, 2.0)
    assert len(session.asked) == 1


def test_a_broker_that_never_answers_the_request_gets_the_rest_all_the_same(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    subscription.ask(session, 0.0)
    subscription.ended(CLOSED, 1.0, is_evidence=True)
    subscription.begin()
    assert not subscription.ask(session, 2.0)
    assert subscription.wait_s(2.0) == pytest.approx(10.0, abs=0.01)
    assert subscription.ask(session, 12.1)


def test_what_comes_in_and_ends_the_connection_three_times_is_left_out(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    for _ in range(3):
        subscription.begin()
        subscription.ask(session, 0.0)
        subscription.answered([1, 1])
        assert subscription.ended(FLOODED, 1.0, is_evidence=False)
    assert "a packet of 2 MB" in journal.facts("listening_suspended")[0]["why"]
    subscription.begin()
    assert subscription.ask(session, 2.0)
    assert len(session.asked) == 3


def test_a_connection_that_lasts_clears_what_came_in(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    for turn in range(6):
        now_s = 1000.0 * turn
        subscription.begin()
        subscription.ask(session, now_s)
        subscription.answered([1, 1])
        subscription.ask(session, now_s + 61)
        subscription.ended(FLOODED, now_s + 62, is_evidence=False)
    assert not journal.names()


def test_ends_that_have_other_causes_speak_against_nobody(journal: Journal, session: Any) -> None:
    subscription = _subscription(journal)
    assert not subscription.ended(FLOODED, 0.0, is_evidence=False), "nothing was asked"
    subscription.ask(session, 0.0)
    assert not subscription.ended(Loss(by_peer=False, reason=None, text="silence"), 1.0, is_evidence=False)
    subscription.begin()
    subscription.ask(session, 2.0)
    subscription.answered([1, 1])
    assert not subscription.ended(CLOSED, 3.0, is_evidence=True), "the request was answered"
