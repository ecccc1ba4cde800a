"""What is said over the control socket, and what it withstands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor_gateway.service.control.desk import RELOAD_WITHIN_S, STATUS_WITHIN_S
from sensor_gateway.service.control.line import MOST_ASKED
from sensor_gateway.service.reload_requests.answer import Outcome, ReloadAnswer
from sensor_gateway.service.visitors.server import MOST_VISITORS, MOST_WELCOMES
from sensor_gateway.service.visitors.visitor import LISTENS_WITHIN_S, SPEAKS_WITHIN_S

CHANGED = ReloadAnswer(outcome=Outcome.CHANGED, changes=("sensor attic is new",), notes=("a note",))


def test_a_status_is_examined_anew_in_the_publisher_and_given_as_one_line(house: Any, talk: SimpleNamespace) -> None:
    house.examined.newest = talk.health("old")
    client = house.client(talk.STATUS)
    house.turns()
    assert talk.heard(client) is None
    assert house.rung == ["publisher"]
    house.examined.examine(talk.health("fresh"))
    house.turns()
    answer = talk.heard(client)
    assert (answer["answer"], answer["is_fresh"]) == ("status", True)
    assert (answer["health"]["gateway"], answer["health"]["buses"]["i2c1"]["state"]) == ("fresh", "alive")


def test_a_publisher_that_does_not_answer_costs_two_seconds_and_the_answer_says_so(
    house: Any, talk: SimpleNamespace
) -> None:
    house.examined.newest = talk.health("old")
    client = house.client(talk.STATUS)
    house.turns(passed_s=STATUS_WITHIN_S - 0.1)
    house.turns(passed_s=STATUS_WITHIN_S - 0.1)
    assert talk.heard(client) is None
    house.turns(passed_s=0.2)
    answer = talk.heard(client)
    assert (answer["is_fresh"], answer["health"]["gateway"]) == (False, "old")


def test_before_the_publishers_first_turn_there_is_a_reason_instead_of_a_health(
    house: Any, talk: SimpleNamespace
) -> None:
    client = house.client(talk.STATUS)
    house.turns()
    house.turns(passed_s=STATUS_WITHIN_S)
    answer = talk.heard(client)
    assert (answer["answer"], answer["code"]) == ("refused", "no_answer")


def test_a_reload_is_done_by_whoever_serves_it_and_its_answer_is_given(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(talk.RELOAD)
    house.turns()
    assert house.rung == ["main"]
    assert talk.heard(client) is None
    assert house.desk.reloads.serve(lambda: CHANGED)
    house.turns()
    assert talk.heard(client) == {
        "answer": "reload",
        "outcome": "changed",
        "changes": ["sensor attic is new"],
        "problems": [],
        "notes": ["a note"],
    }
    assert house.log.said[0][0] == "reload_asked_for"


def test_those_who_ask_together_get_one_reload_and_one_who_asks_later_another(
    house: Any, talk: SimpleNamespace
) -> None:
    first, second = house.client(talk.RELOAD), house.client(talk.RELOAD)
    house.turns()
    done: list[ReloadAnswer] = []

    def reload() -> ReloadAnswer:
        done.append(CHANGED)
        return CHANGED

    assert house.desk.reloads.serve(reload)
    assert not house.desk.reloads.serve(reload)
    third = house.client(talk.RELOAD)
    house.turns()
    assert talk.heard(first) == talk.heard(second)
    assert talk.heard(third) is None
    assert house.desk.reloads.serve(reload)
    house.turns()
    assert talk.heard(third)["outcome"] == "changed"
    assert len(done) == 2


def test_a_reload_that_does_not_end_is_given_up_by_the_one_who_waits(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(talk.RELOAD)
    house.turns()
    house.turns(passed_s=RELOAD_WITHIN_S)
    assert talk.heard(client)["code"] == "no_answer"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"status\n", "bad_request"),
        (b"\xff\xfe\n", "bad_request"),
        (b"[" * 4000 + b"\n", "bad_request"),
        (b"{}\n", "unknown_request"),
        (b'["status"]\n', "unknown_request"),
        (b'{"request":"stop"}\n', "unknown_request"),
        (b'{"request":{"a":1}}\n', "unknown_request"),
    ],
)
def test_what_is_no_request_is_answered_with_what_there_is(
    house: Any, talk: SimpleNamespace, said: bytes, code: str
) -> None:
    client = house.client(said)
    house.turns()
    answer = talk.heard(client)
    assert (answer["answer"], answer["code"]) == ("refused", code)


def test_a_request_may_come_in_pieces_and_without_an_end_of_line(house: Any, talk: SimpleNamespace) -> None:
    client = house.client()
    for byte in b'{"request":"x"}':
        client.send(bytes([byte]))
        house.turns(1)
    client.shutdown(1)
    house.turns()
    assert talk.heard(client)["code"] == "unknown_request"


def test_half_a_request_is_waited_for_five_seconds(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(b'{"request":')
    house.turns()
    house.turns(passed_s=SPEAKS_WITHIN_S - 0.1)
    assert talk.heard(client) is None
    house.turns(passed_s=0.2)
    with pytest.raises(EOFError):
        talk.heard(client)


def test_a_request_that_does_not_end_is_cut_off(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(b" " * (MOST_ASKED + 1))
    house.turns()
    with pytest.raises((EOFError, ConnectionResetError)):
        talk.heard(client)


def test_a_hundred_idle_clients_keep_nobody_from_an_answer(house: Any, talk: SimpleNamespace) -> None:
    for _ in range(100 // 20):
        for _ in range(20):
            house.client()
        house.turns(30, passed_s=1.0)
    house.examined.newest = talk.health()
    client = house.client(talk.STATUS)
    house.turns(30, passed_s=1.0)
    house.examined.examine(talk.health("fresh"))
    house.turns()
    assert talk.heard(client)["health"]["gateway"] == "fresh"


def test_no_more_clients_are_served_than_there_are_places(house: Any, talk: SimpleNamespace) -> None:
    waiting = [house.client(talk.RELOAD) for _ in range(MOST_VISITORS)]
    house.turns(MOST_VISITORS + 2)
    one_more = house.client(talk.RELOAD)
    house.turns()
    with pytest.raises((EOFError, ConnectionResetError)):
        talk.heard(one_more)
    house.desk.reloads.serve(lambda: CHANGED)
    house.turns()
    assert all(talk.heard(client)["outcome"] == "changed" for client in waiting)


def test_a_flood_of_clients_is_let_in_at_a_bounded_rate(house: Any, talk: SimpleNamespace) -> None:
    answered = 0
    for _ in range(2 * MOST_WELCOMES):
        client = house.client(b"x\n")
        house.turns(3)
        answered += talk.heard(client) is not None
        client.close()
        if answered >= MOST_WELCOMES:
            break
    late = house.client(b"x\n")
    house.turns()
    assert talk.heard(late) is None
    house.turns(passed_s=1.0)
    house.turns()
    assert talk.heard(late) is not None


def test_who_does_not_take_his_answer_is_let_go(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(talk.RELOAD)
    house.turns()
    many = ReloadAnswer(outcome=Outcome.FAULTY, problems=("x" * 1000,) * 3000)
    house.desk.reloads.serve(lambda: many)
    house.turns()
    house.turns(passed_s=LISTENS_WITHIN_S)
    received = 0
    while piece := client.recv(1_000_000):
        received += len(piece)
        house.turns(1)
    assert 0 < received < 3_000_000


def test_a_large_answer_arrives_whole_at_a_reader_who_takes_his_time(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(talk.RELOAD)
    house.turns()
    many = ReloadAnswer(outcome=Outcome.FAULTY, problems=("é" * 1000,) * 1000)
    house.desk.reloads.serve(lambda: many)
    data = b""
    for _ in range(2000):
        house.turns(1)
        try:
            piece = client.recv(10_000)
        except BlockingIOError:
            continue
        if not piece:
            break
        data += piece
    assert data.endswith(b"\n")
    assert data.decode().count("é") == 1_000_000


def test_who_hangs_up_while_he_waits_is_let_go_and_costs_no_turns(house: Any, talk: SimpleNamespace) -> None:
    client = house.client(talk.RELOAD)
    house.turns()
    client.close()
    house.turns()
    assert house.server.step(0.0) == pytest.approx(3600.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    pieces=st.lists(st.binary(max_size=60) | st.sampled_from([b'{"request":', b'"status"', b"}", b"\n"]), max_size=6)
)
def test_whatever_is_said_the_next_one_is_answered(house: Any, talk: SimpleNamespace, pieces: list[bytes]) -> None:
    rude = house.client()
    for piece in pieces:
        try:
            rude.send(piece)
        except OSError:
            break
        house.turns(1, passed_s=0.1)
    client = house.client(b"{}\n")
    house.turns(passed_s=1.0)
    assert talk.heard(client)["code"] == "unknown_request"
    rude.close()
