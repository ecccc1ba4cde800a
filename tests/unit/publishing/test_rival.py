"""Who else speaks on our status topic, and what is done about it."""

from __future__ import annotations

import json
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proving.logs import Journal

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.incoming import Incoming, Said
from sensor_gateway.publishing.messages import Program, Topics, last_will, status
from sensor_gateway.publishing.receiving.rival import Rival

TOPICS = Topics(prefix="sensors/v1", gateway="greenhouse")
NOW = Stamp(uptime_ms=0, wall_ms=1_795_449_600_000, clock=ClockState.SYNCED)
OURS, THEIRS = (Program(instance=name, version="0.1.0") for name in ("ours", "theirs"))


def message(payload: bytes, *, is_retained: bool = False) -> Incoming:
    return Incoming(
        topic=TOPICS.status,
        payload=payload,
        is_retained=is_retained,
        expiry_s=None,
        response_topic=None,
        correlation=None,
    )


def online(program: Program) -> bytes:
    return status("online", program, NOW)


@pytest.fixture
def rival(journal: Journal) -> Rival:
    return Rival(TOPICS, OURS, log=journal)


def test_it_listens_to_our_own_status_alone(rival: Rival) -> None:
    assert rival.topics == ("sensors/v1/greenhouse/status",)


def test_what_we_say_ourselves_is_no_rivals(rival: Rival, journal: Journal) -> None:
    for payload in (online(OURS), last_will(OURS), status("offline", OURS, NOW)):
        assert rival.hear(message(payload), 1.0, NOW) == ()
    assert journal.lines == []


def test_what_was_kept_from_before_proves_nothing(rival: Rival, journal: Journal) -> None:
    assert rival.hear(message(online(THEIRS), is_retained=True), 1.0, NOW) == ()
    assert journal.lines == []


def test_a_rival_is_told_and_hears_of_us_once(rival: Rival, journal: Journal) -> None:
    (said,) = rival.hear(message(online(THEIRS)), 1.0, NOW)
    assert (said.topic, json.loads(said.payload)["instance"]) == (TOPICS.status, "ours")
    assert journal.names() == ["gateway_id_taken"]
    assert rival.hear(message(online(THEIRS)), 100.0, NOW) == ()
    assert rival.wait_s(100.0) == float("inf")
    assert journal.names() == ["gateway_id_taken"]


def test_a_rival_that_goes_leaves_our_status_as_it_was(rival: Rival, journal: Journal) -> None:
    (said,) = rival.hear(message(last_will(THEIRS)), 1.0, NOW)
    assert json.loads(said.payload)["state"] == "online"
    assert journal.lines == []


def test_answers_come_every_ten_seconds_at_most_and_lines_every_hour(rival: Rival, journal: Journal) -> None:
    answers = 0
    for second in range(3000):
        for flood in range(5):
            stranger = Program(instance=f"{second}-{flood}", version="x")
            answers += len(rival.hear(message(online(stranger)), float(second), NOW))
        answers += len(rival.tend(second + 0.5, NOW))
    assert 290 <= answers <= 301
    assert len(journal.lines) == 1


def test_an_answer_that_has_to_wait_is_given_when_it_is_due(rival: Rival) -> None:
    assert rival.hear(message(online(THEIRS)), 1.0, NOW)
    assert rival.hear(message(last_will(THEIRS)), 2.0, NOW) == ()
    assert rival.wait_s(2.0) == pytest.approx(9.0)
    assert rival.tend(10.9, NOW) == ()
    assert rival.tend(11.0, NOW)
    assert rival.tend(11.1, NOW) == ()


@pytest.mark.parametrize("others", [2, 3, 6])
def test_however_many_share_a_name_they_come_to_rest(others: int) -> None:
    """Each hears all that any says, its own words too; the broker delivers in any order that it likes."""
    programs = [Program(instance=str(number), version="1") for number in range(others)]
    journals = [Journal() for _ in programs]
    rivals = [Rival(TOPICS, program, log=journal) for program, journal in zip(programs, journals, strict=True)]
    waiting = deque(online(program) for program in programs)
    said = 0
    for second in range(600):
        heard, waiting = list(waiting), deque()
        for each in rivals:
            answers: list[Said] = [*each.tend(float(second), NOW)]
            for payload in heard:
                answers += each.hear(message(payload), float(second), NOW)
            waiting += [answer.payload for answer in answers]
        said += len(waiting)
    assert not waiting
    assert said <= 2 * others
    assert all(journal.names() == ["gateway_id_taken"] for journal in journals)


@given(st.one_of(st.binary(max_size=300), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_bytes_raise_anything(payload: bytes) -> None:
    assert Rival(TOPICS, OURS, log=Journal()).hear(message(payload), 0.0, NOW) == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 100_000,
        b'{"state":"online","instance":7}',
        b'{"state":"online","instance":""}',
        b'{"state":["online"],"instance":"x"}',
        b'{"instance":"x"}',
        b"\xff\xfe",
        b"",
    ],
)
def test_what_is_no_status_means_nothing(rival: Rival, journal: Journal, payload: bytes) -> None:
    assert rival.hear(message(payload), 0.0, NOW) == ()
    assert journal.lines == []


def test_long_words_of_strangers_do_not_fill_the_log(rival: Rival, journal: Journal) -> None:
    payload = json.dumps({"state": "online", "instance": "i" * 5000, "version": "v" * 5000}).encode()
    assert rival.hear(message(payload), 0.0, NOW)
    assert len(str(journal.lines)) < 600
