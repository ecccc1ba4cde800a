"""Which requests are carried out, which are refused, and that no payload gets through or raises."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.sections.broker import CommandsSection
from sensor_gateway.config.values.notation import Within
from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.model.reading import ClockState
from sensor_gateway.publishing.incoming import Incoming
from sensor_gateway.publishing.receiving.topic_filter import is_topic_name, matches
from sensor_gateway.service.commands.judge import (
    ANSWER_WITHIN_S,
    REMEMBERED_S,
    CommandLimits,
    Judge,
    Refused,
    command_topics,
)
from sensor_gateway.service.commands.request import Request, RequestRefused, read_order

In = Callable[..., Incoming]
At = Callable[..., Any]
(GREATEST_PER_MINUTE,) = (
    int(mark.high)
    for mark in get_type_hints(CommandsSection, include_extras=True)["per_minute"].__metadata__
    if isinstance(mark, Within) and mark.high is not None
)
LIMITS = CommandLimits(
    prefix="sensors/v1", gateway="house", allowed=("read", "log-level"), per_minute=30, max_size=4000
)


def refusal(verdict: Request | Refused) -> RefusalCode:
    assert isinstance(verdict, Refused)
    assert verdict.reason
    return verdict.code


@pytest.fixture
def judged(request_in: In, stamp_at: At) -> Callable[..., Request | Refused]:
    """The verdict of a fresh judge."""
    return lambda *request, **more: Judge(LIMITS).judge(request_in(*request, **more), 0.0, stamp_at())


def test_a_request_is_its_name_its_arguments_and_where_to_answer(judged: Any) -> None:
    request = judged({"sensor": "attic", "transaction": "t1"}, response_topic="me/answers", correlation=b"\xff\0")
    assert isinstance(request, Request)
    assert (request.name, request.arguments) == ("read", {"sensor": "attic"})
    address = request.answer_to
    assert (address.topic, address.correlation, address.transaction) == ("me/answers", b"\xff\0", "t1")
    assert address.until_s == ANSWER_WITHIN_S


def test_without_a_response_topic_the_answer_goes_to_our_own(judged: Any) -> None:
    address = judged({"transaction": "t1"}).answer_to
    assert (address.topic, address.correlation) == ("sensors/v1/house/response/read", None)


@pytest.mark.parametrize(
    ("payload", "more", "code"),
    [
        ({}, {"is_retained": True}, "retained"),
        (b" " * 4001, {}, "too_large"),
        ({}, {"name": "reload"}, "not_allowed"),
        ({}, {"name": "restart"}, "not_allowed"),
        (b"", {}, "malformed"),
        (b"[]", {}, "malformed"),
        (b'"attic"', {}, "malformed"),
        (b"\xff\xfe", {}, "malformed"),
        (b"[" * 4000, {}, "malformed"),
        (b'{"a":' * 700, {}, "malformed"),
        (b'{"a": NaN}', {}, "malformed"),
        (b'{"a": -Infinity}', {}, "malformed"),
        (b'{"a": 1, "a": 2}', {}, "malformed"),
        (b'{"a": ' + b"9" * 3900 + b"9" * 90 + b"}", {}, None),
        ({"transaction": 7}, {}, "malformed"),
        ({"transaction": ""}, {}, "malformed"),
        ({"transaction": "x" * 65}, {}, "malformed"),
        ({"transaction": "a\nb"}, {}, "malformed"),
        (b'{"transaction": "\\ud800"}', {}, "malformed"),
        ({"expires": "soon"}, {}, "malformed"),
        ({"expires": 1}, {}, "malformed"),
        ({"expires": "2026-11-25T16:00:01"}, {}, "malformed"),
        ({"expires": "2026-02-31T16:00:01Z"}, {}, "malformed"),
        ({"expires": "2026-11-25T15:59:59Z"}, {}, "expired"),
        ({"expires": "2026-11-25T16:00:00Z"}, {}, "expired"),
        ({"expires": "2026-11-25T17:00:00+01:00"}, {}, "expired"),
        ({"expires": "2026-11-25T16:00:00.001Z"}, {}, None),
        ({}, {"expiry_s": 0}, "expired"),
        ({}, {"expiry_s": 1}, None),
    ],
)
def test_what_is_refused(judged: Any, payload: Any, more: dict[str, Any], code: str | None) -> None:
    verdict = judged(payload, **more)
    if code is None:
        assert isinstance(verdict, Request)
    else:
        assert refusal(verdict) == code


@pytest.mark.parametrize(
    "topic",
    [
        "sensors/v1/house/command/read",
        "sensors/v1/shed/command/read",
        "sensors/v1/house/status",
        "sensors/v1/house/state/attic/temperature",
        "sensors/v1/house/events",
        "sensors/v1/house/response",
        "sensors/v1/shed/response/read",
        "sensors/v1",
        "answers/+",
        "answers/#",
        "$SYS/answers",
        "",
        "a\nb",
        "x" * 257,
    ],
)
def test_an_answer_never_goes_where_it_could_command_or_pass_for_a_state(judged: Any, topic: str) -> None:
    verdict = judged({}, response_topic=topic, correlation=b"c")
    assert refusal(verdict) == "response_topic"
    assert verdict.answer_to.topic == "sensors/v1/house/response/read"
    assert verdict.answer_to.correlation is None


@pytest.mark.parametrize("topic", ["answers", "sensors/v10/answers", "sensors/v1/house/response/read/me", "ä/b"])
def test_an_answer_may_go_anywhere_else(judged: Any, topic: str) -> None:
    assert judged({}, response_topic=topic).answer_to.topic == topic


def test_a_gateway_that_does_not_know_the_time_cannot_judge_expires(request_in: In, stamp_at: At) -> None:
    now = stamp_at(clock=ClockState.UNSYNCED)
    judge = Judge(LIMITS)
    assert refusal(judge.judge(request_in({"expires": "2026-11-25T16:00:09Z"}), 0.0, now)) == "clock"
    assert isinstance(judge.judge(request_in({}, expiry_s=5), 0.0, now), Request)


def test_nobody_is_answered_after_the_request_has_expired(judged: Any) -> None:
    assert judged({"expires": "2026-11-25T16:00:07Z"}).answer_to.until_s == 7.0
    assert judged({"expires": "2026-11-25T16:00:07Z"}, expiry_s=3).answer_to.until_s == 3.0
    assert judged({"expires": "2027-11-25T16:00:07Z"}).answer_to.until_s == ANSWER_WITHIN_S


def test_a_transaction_runs_once_and_others_do(request_in: In, stamp_at: At) -> None:
    judge = Judge(LIMITS)
    first = request_in({"transaction": "t1"})
    assert isinstance(judge.judge(first, 0.0, stamp_at()), Request)
    again = judge.judge(first, 1.0, stamp_at(1))
    assert refusal(again) == "duplicate"
    assert again.answer_to is None  # type: ignore[union-attr]
    assert isinstance(judge.judge(request_in({"transaction": "t2"}), 1.0, stamp_at(1)), Request)
    assert isinstance(judge.judge(request_in({"transaction": "t1"}, "log-level"), 1.0, stamp_at(1)), Request)
    assert isinstance(judge.judge(first, REMEMBERED_S, stamp_at(REMEMBERED_S)), Request)


def test_a_request_that_was_refused_for_the_rate_may_come_again_with_its_transaction(
    request_in: In, stamp_at: At
) -> None:
    judge = Judge(replace(LIMITS, per_minute=1))
    assert isinstance(judge.judge(request_in({"transaction": "t1"}), 0.0, stamp_at()), Request)
    assert refusal(judge.judge(request_in({"transaction": "t2"}), 1.0, stamp_at(1))) == "too_frequent"
    assert isinstance(judge.judge(request_in({"transaction": "t2"}), 61.0, stamp_at(61)), Request)


@pytest.mark.parametrize("per_minute", [1, 30, GREATEST_PER_MINUTE])
def test_at_no_rate_that_may_be_set_a_transaction_is_forgotten_within_ten_minutes(
    request_in: In, stamp_at: At, per_minute: int
) -> None:
    """They come as fast as they are let through: a sixth of a minute's at once, then each when its time has come."""
    judge = Judge(replace(LIMITS, per_minute=per_minute))
    every_s = 60 / per_minute
    at_once = max(1, per_minute // 6)
    last = at_once + math.ceil(REMEMBERED_S / every_s) - 2
    for number in range(last + 1):
        now_s = max(0, number - at_once + 1) * every_s
        request = request_in({"transaction": str(number)})
        assert isinstance(judge.judge(request, now_s, stamp_at(now_s)), Request)
    assert now_s < REMEMBERED_S
    assert {refusal(judge.judge(request_in({"transaction": str(n)}), now_s, stamp_at(now_s))) for n in range(last)} == {
        "duplicate"
    }


@pytest.mark.parametrize("per_minute", [1, GREATEST_PER_MINUTE])
def test_what_is_remembered_is_bounded(request_in: In, stamp_at: At, per_minute: int) -> None:
    judge = Judge(replace(LIMITS, per_minute=per_minute))
    most = 0
    for number in range(30 * per_minute):
        now_s = number * 60 / per_minute
        judge.judge(request_in({"transaction": str(number)}), now_s, stamp_at(now_s))
        most = max(most, len(judge._seen))
    assert most <= 10 * per_minute + max(1, per_minute / 6)


@pytest.mark.parametrize("code", ["retained", "expired", "duplicate"])
def test_what_nobody_waits_for_is_not_answered(judged: Any, code: str) -> None:
    more = {"retained": {"is_retained": True}, "expired": {"expiry_s": 0}}.get(code)
    if more:
        assert judged({}, **more).answer_to is None


def test_a_flood_of_nonsense_neither_makes_us_talk_without_end_nor_keeps_good_requests_out(
    request_in: In, stamp_at: At
) -> None:
    judge = Judge(LIMITS)
    told = 0
    for number in range(10_000):
        verdict = judge.judge(request_in(b"no"), number / 1000, stamp_at())
        told += isinstance(verdict, Refused) and verdict.answer_to is not None
    assert told <= 5 + 5
    assert isinstance(judge.judge(request_in({}), 10.0, stamp_at()), Request)


def test_a_name_that_nobody_gave_a_command_is_not_answered_on_a_topic_of_its_own(judged: Any) -> None:
    assert judged({}, name="x" * 33).answer_to is None
    assert judged({}, name="Ä").answer_to is None
    assert judged({}, name="restart").answer_to.topic == "sensors/v1/house/response/restart"


# Laws

payloads = st.binary(max_size=200) | st.builds(
    lambda table: __import__("json").dumps(table).encode(),
    st.dictionaries(
        st.sampled_from(["sensor", "transaction", "expires", "x"]),
        st.text(max_size=10) | st.integers() | st.none() | st.just("2026-11-25T16:00:05Z"),
        max_size=4,
    ),
)
requests = st.builds(
    Incoming,
    topic=st.sampled_from(["read", "log-level", "reload", ""]).map("sensors/v1/house/command/{}".format),
    payload=payloads,
    is_retained=st.booleans(),
    expiry_s=st.none() | st.integers(0, 100),
    response_topic=st.none() | st.text(max_size=20) | st.sampled_from(["a/b", "sensors/v1/house/command/read"]),
    correlation=st.none() | st.binary(max_size=9),
)


@given(came=st.lists(st.tuples(requests, st.floats(0.0, 20.0)), max_size=60), per_minute=st.integers(1, 60))
def test_whatever_comes_only_whole_fresh_and_listed_requests_run_and_no_more_than_allowed(
    came: list[tuple[Incoming, float]], per_minute: int
) -> None:
    judge = Judge(replace(LIMITS, per_minute=per_minute))
    at_ms = 1_795_622_400_000
    now_s = 0.0
    ran: list[float] = []
    transactions: list[tuple[str, str]] = []
    for incoming, pause_s in came:
        now_s += pause_s
        from sensor_gateway.model.reading import Stamp  # noqa: PLC0415

        now = Stamp(uptime_ms=0, wall_ms=at_ms + round(now_s * 1000), clock=ClockState.SYNCED)
        verdict = judge.judge(incoming, now_s, now)
        answer_to = verdict.answer_to
        if answer_to is not None:
            assert is_topic_name(answer_to.topic)
            assert not any(matches(topic, answer_to.topic) for topic in command_topics(LIMITS))
            assert now_s <= answer_to.until_s <= now_s + ANSWER_WITHIN_S
        if isinstance(verdict, Request):
            assert not incoming.is_retained
            assert incoming.expiry_s != 0
            assert verdict.name in LIMITS.allowed
            ran.append(now_s)
            if verdict.answer_to.transaction is not None:
                transactions.append((verdict.name, verdict.answer_to.transaction))
    most_at_once = max(1.0, per_minute / 6)
    for index, begin_s in enumerate(ran):
        for count, end_s in enumerate(ran[index:], start=1):
            assert count <= most_at_once + (end_s - begin_s) * per_minute / 60 + 1e-6
    if now_s < REMEMBERED_S:
        assert len(transactions) == len(set(transactions))


@given(st.binary(max_size=3000) | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b"-" * 9]))
def test_no_payload_raises_anything_but_a_refusal(payload: bytes) -> None:
    caught = None
    try:
        read_order(payload)
    except RequestRefused as error:
        caught = error
    if caught is not None:
        assert caught.code is RefusalCode.MALFORMED
        assert len(str(caught)) < 300


# Controls: without the rule, the thing that it forbids happens


def test_control_an_answer_that_may_go_anywhere_would_command_the_gateway(
    monkeypatch: pytest.MonkeyPatch, request_in: In, stamp_at: At
) -> None:
    monkeypatch.setattr("sensor_gateway.service.commands.judge.check_response_topic", lambda *_, **__: None)
    verdict = Judge(LIMITS).judge(request_in({}, response_topic="sensors/v1/house/command/read"), 0.0, stamp_at())
    assert isinstance(verdict, Request)
    assert any(matches(topic, verdict.answer_to.topic) for topic in command_topics(LIMITS))


def test_control_without_the_limit_a_flood_runs(monkeypatch: pytest.MonkeyPatch, request_in: In, stamp_at: At) -> None:
    ran = []
    for is_limited in (True, False):
        if not is_limited:
            monkeypatch.setattr("sensor_gateway.service.commands.judge.Bucket.take", lambda *_: True)
        judge = Judge(LIMITS)
        verdicts = [judge.judge(request_in({}), number / 1000, stamp_at()) for number in range(1000)]
        ran.append(sum(isinstance(verdict, Request) for verdict in verdicts))
    assert ran == [5, 1000]
