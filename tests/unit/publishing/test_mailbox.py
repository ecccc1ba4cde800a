"""What came in waits in a bounded place, and every message keeps what the broker said of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.publishing.incoming import Incoming
from sensor_gateway.publishing.wire.mailbox import MOST_BYTES, MOST_MESSAGES, Mailbox


class Arrival:
    """A PUBLISH as paho gives it: a topic in bytes, and attributes for those properties that there are."""

    def __init__(self, topic: bytes, payload: bytes = b"", *, retain: bool = False, **properties: Any) -> None:
        self.raw = topic
        self.payload = payload
        self.retain = retain
        self.properties = SimpleNamespace(**properties)

    @property
    def topic(self) -> str:
        return self.raw.decode()


def test_a_message_keeps_what_mqtt_5_says_of_it() -> None:
    mailbox = Mailbox()
    more = {"MessageExpiryInterval": 7, "ResponseTopic": "r/1", "CorrelationData": b"\x01"}
    mailbox.put(Arrival(b"a/b", b"x", retain=True, **more))
    assert mailbox.take() == [
        Incoming(topic="a/b", payload=b"x", is_retained=True, expiry_s=7, response_topic="r/1", correlation=b"\x01")
    ]
    assert not mailbox.take()


def test_a_message_without_properties_has_none() -> None:
    mailbox = Mailbox()
    mailbox.put(Arrival(b"a/b", b"x"))
    (message,) = mailbox.take()
    assert (message.expiry_s, message.response_topic, message.correlation) == (None, None, None)


@given(st.lists(st.integers(0, MOST_BYTES), max_size=300))
def test_it_never_holds_more_than_its_bounds_and_counts_the_rest(sizes: list[int]) -> None:
    mailbox = Mailbox()
    for size in sizes:
        mailbox.put(Arrival(b"a", bytes(size)))
    taken = mailbox.take()
    assert len(taken) <= MOST_MESSAGES
    assert sum(len(message.payload) for message in taken) <= MOST_BYTES
    assert len(taken) + mailbox.dropped == len(sizes)


def test_what_was_taken_makes_room() -> None:
    mailbox = Mailbox()
    for _ in range(3):
        for _ in range(MOST_MESSAGES):
            mailbox.put(Arrival(b"a"))
        assert len(mailbox.take()) == MOST_MESSAGES
    assert mailbox.dropped == 0


def test_a_topic_that_is_no_text_is_dropped_and_counted() -> None:
    mailbox = Mailbox()
    mailbox.put(Arrival(b"\xff\xfe"))
    assert not mailbox.take()
    assert mailbox.dropped == 1
