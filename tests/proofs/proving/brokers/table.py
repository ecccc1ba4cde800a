"""What each broker does, as it was seen: the tests expect exactly this, and docs/brokers.md shows it.

A row is a question, and names the test that answers it. A cell is one of the answers that the test can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proving.brokers.kinds import ALWAYS, KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question. ``answers``: by the broker's name in KINDS."""

    question: str
    test: str
    answers: dict[str, str]


def _each(*answers: str) -> dict[str, str]:
    return dict(zip(KINDS, answers, strict=True))


TABLE: Final[tuple[Row, ...]] = (
    Row(
        question="Spoken with `mqtt.version: auto`",
        test="test_which_protocol_is_found",
        answers=_each("MQTT 5", "MQTT 5", "no answer: set `mqtt.version: '3.1.1'`", "MQTT 3.1.1", "MQTT 3.1.1"),
    ),
    Row(
        question="Each event arrives once and in order",
        test="test_events_arrive_once_and_in_order",
        answers=_each("yes", "yes", "yes", "yes", "yes"),
    ),
    Row(
        question="Events lost when the broker is killed (`kill -9`), with a subscriber that is back before the gateway",
        test="test_a_broker_that_is_killed_costs_no_event",
        answers=_each("none", "none", "none", "none", "none"),
    ),
    Row(
        question="Events lost when the broker stands still",
        test="test_a_broker_that_stands_still_costs_no_event",
        answers=_each("none", "none", "none", "none", "none"),
    ),
    Row(
        question="It tells when nobody listens (0x10)",
        test="test_it_is_told_when_nobody_listens",
        answers=_each("yes", "no", "no", "no", "no"),
    ),
    Row(
        question="A stream that its access list denies",
        test="test_what_becomes_of_a_stream_that_is_denied",
        answers=_each(
            "it says no: kept, with an alarm",
            "it says yes: lost in silence",
            "it says yes: lost in silence",
            "it hangs up: kept, with an alarm",
            "it says yes: lost in silence",
        ),
    ),
    Row(
        question="Who comes later finds status, meta, availability and states",
        test="test_who_comes_later_finds_status_meta_availability_and_states",
        answers=_each("yes", "yes", "yes", "yes", "yes"),
    ),
    Row(
        question="A state expires in the broker by itself",
        test="test_a_state_expires_in_the_broker_by_itself",
        answers=_each("yes", "no", "no", "no", "no"),
    ),
    Row(
        question="The will speaks when the gateway dies",
        test="test_how_soon_the_will_speaks_when_the_gateway_dies",
        answers=_each("after 5 s", "at once", "at once", "at once", "at once"),
    ),
    Row(
        question="Who sees that a connection is renewed",
        test="test_who_sees_that_a_connection_is_renewed",
        answers=_each(
            "nobody",
            "subscribers: offline, then online",
            "subscribers: offline, then online",
            "subscribers: offline, then online",
            "subscribers: offline, then online",
        ),
    ),
    Row(
        question="A clean stop: one offline, and stale values",
        test="test_a_clean_stop_is_seen_as_one_offline_and_stale_values",
        answers=_each("yes", "yes", "yes", "yes", "yes"),
    ),
    Row(
        question="Kept of 1,200 messages for an absent subscriber, as the broker comes",
        test="test_what_it_keeps_for_an_absent_subscriber",
        answers=_each("the first 1000 of 1200", "the first 1000 of 1200", "nothing", "all", "all"),
    ),
    Row(
        question="The same, set up as advised below",
        test="test_what_it_keeps_for_an_absent_subscriber_as_advised",
        answers=_each("all", "all", "all", "all", "all"),
    ),
    Row(
        question="Kept of 100 for an absent subscriber over a `kill -9` of the broker, as it comes",
        test="test_what_it_keeps_over_a_kill",
        answers=_each("nothing", "nothing", "nothing", "nothing", "all"),
    ),
    Row(
        question="The same, set up as advised below",
        test="test_what_it_keeps_over_a_kill_as_advised",
        answers=_each("all", "all", "nothing", "nothing", "all"),
    ),
)


def expected(test: str, broker: str) -> str:
    """The answer that this test is to see with this broker."""
    return next(row for row in TABLE if row.test == test).answers[broker]


def always(test: str) -> list[str]:
    """The brokers that every run tries: mosquitto with 3.1.1 only where it does something else than with MQTT 5."""
    told = [name for name in ALWAYS if name != "mosquitto-3.1.1"]
    if expected(test, "mosquitto-3.1.1") != expected(test, "mosquitto"):
        told.append("mosquitto-3.1.1")
    return told


def markdown() -> str:
    """The table of docs/brokers.md."""
    lines = [
        f"| | {' | '.join(kind.title for kind in KINDS.values())} | `-k` |",
        "|---|" + "---|" * (len(KINDS) + 1),
        *(
            f"| {row.question} | {' | '.join(row.answers[name] for name in KINDS)} | `{row.test[5:]}` |"
            for row in TABLE
        ),
    ]
    return "\n".join(lines) + "\n"
