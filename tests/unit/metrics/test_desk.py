"""What is answered on the metrics port, and what it withstands."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.vitals.gateway_health import Health
from sensor_gateway.service.metrics.desk import EXAMINED_WITHIN_S, FRESH_S, MOST_HEAD
from sensor_gateway.service.visitors.server import MOST_VISITORS
from sensor_gateway.service.visitors.visitor import LISTENS_WITHIN_S, SPEAKS_WITHIN_S

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: barn:9756\r\nAccept: text/plain\r\n\r\n"


def heard(client: socket.socket) -> tuple[int, dict[str, str], str] | None:
    """Status, fields and body; None where nothing has come. EOFError where the server hung up without a word."""
    data = b""
    try:
        while piece := client.recv(65_536):
            data += piece
    except BlockingIOError:
        if not data:
            return None
        raise
    if not data:
        raise EOFError
    head, _, body = data.decode().partition("\r\n\r\n")
    first, *rest = head.split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1"
    fields = dict(line.split(": ", 1) for line in rest)
    return int(status), fields, body


def told(client: socket.socket) -> tuple[int, dict[str, str], str]:
    found = heard(client)
    assert found is not None
    return found


def test_a_scrape_is_examined_anew_in_the_publisher_and_given_as_a_page(house: Any, greenhouse: Health) -> None:
    house.examined.newest = greenhouse
    client = house.client(SCRAPE)
    house.turns()
    assert heard(client) is None
    assert (house.woken, len(house.examined.asked)) == (1, 1)
    house.examined.examine(replace(greenhouse, sent=99))
    house.turns()
    status, fields, body = told(client)
    assert status == 200
    assert fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert int(fields["Content-Length"]) == len(body.encode())
    assert fields["Connection"] == "close"
    assert "sensor_gateway_sent_events_total 99\n" in body


def test_however_many_ask_the_publisher_is_asked_once_a_second(house: Any, greenhouse: Health) -> None:
    clients = [house.client(SCRAPE) for _ in range(10)]
    house.turns(20)
    assert house.woken == 1
    house.examined.examine(greenhouse)
    house.turns()
    later = house.client(SCRAPE)
    house.turns()
    assert [told(client)[0] for client in (*clients, later)] == [200] * 11
    assert house.woken == 1
    house.client(SCRAPE)
    house.turns(passed_s=FRESH_S)
    assert house.woken == 2


def test_figures_that_are_old_are_not_given_for_new_ones(house: Any, greenhouse: Health) -> None:
    """A publisher that hangs must not look well: the scrape fails, which Prometheus shows as ``up`` 0."""
    house.examined.examine(greenhouse)
    client = house.client(SCRAPE)
    house.turns()
    house.turns(passed_s=EXAMINED_WITHIN_S - 0.1)
    assert heard(client) is None
    house.turns(passed_s=0.1)
    status, _, body = told(client)
    assert status == 503
    assert body == "the gateway starts, or its publisher has not answered within 5 s; see the log\n"


def test_a_publisher_that_comes_back_is_asked_again(house: Any, greenhouse: Health) -> None:
    lost = house.client(SCRAPE)
    house.turns()
    house.examined.asked.clear()
    house.turns(passed_s=EXAMINED_WITHIN_S)
    assert told(lost)[0] == 503
    client = house.client(SCRAPE)
    house.turns()
    house.examined.examine(greenhouse)
    house.turns()
    assert told(client)[0] == 200


def test_an_answer_that_came_too_late_for_one_is_not_given_to_the_next(house: Any, greenhouse: Health) -> None:
    house.examined.examine(greenhouse)
    lost = house.client(SCRAPE)
    house.turns()
    house.turns(passed_s=EXAMINED_WITHIN_S)
    assert told(lost)[0] == 503
    house.examined.examine(
        replace(greenhouse, sent=98)
    )  # a moment later, for nobody; then the publisher hangs for good
    house.turns(passed_s=54.0)
    client = house.client(SCRAPE)
    house.turns()
    assert heard(client) is None
    house.turns(passed_s=EXAMINED_WITHIN_S)
    assert told(client)[0] == 503


def test_an_answer_for_one_who_went_away_is_not_given_to_the_next(house: Any, greenhouse: Health) -> None:
    house.examined.examine(greenhouse)
    house.client(SCRAPE).close()
    house.turns()
    house.examined.examine(replace(greenhouse, sent=98))
    house.turns(passed_s=3600.0)
    client = house.client(SCRAPE)
    house.turns()
    assert heard(client) is None
    house.examined.examine(replace(greenhouse, sent=97))
    house.turns()
    assert "sensor_gateway_sent_events_total 97\n" in told(client)[2]


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404, "there is /metrics here, and nothing else\n"),
        (b"GET /metrics/ HTTP/1.0\r\n\r\n", 404, "there is /metrics here, and nothing else\n"),
        (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", 404, "there is /metrics here, and nothing else\n"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 405, "/metrics can be read, and nothing else\n"),
        (b"GET /metrics\r\n\r\n", 400, "expected HTTP/1.1, such as GET /metrics HTTP/1.1\n"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400, "expected HTTP/1.1, such as GET /metrics HTTP/1.1\n"),
        (b"GET /metrics HTTP/1.1\r\nA: " + b"a" * MOST_HEAD, 431, f"a request has at most {MOST_HEAD} bytes here\n"),
    ],
)
def test_what_is_not_there_is_refused_in_words(house: Any, said: bytes, status: int, words: str) -> None:
    client = house.client(said)
    house.turns()
    found = told(client)
    assert (found[0], found[2]) == (status, words)
    assert house.woken == 0


def test_a_head_alone_is_told_without_its_page(house: Any, greenhouse: Health) -> None:
    client = house.client(SCRAPE.replace(b"GET", b"HEAD"))
    house.turns()
    house.examined.examine(greenhouse)
    house.turns()
    status, fields, body = told(client)
    assert (status, body) == (200, "")
    assert int(fields["Content-Length"]) > 1000


def test_a_query_behind_the_path_does_not_matter(house: Any, greenhouse: Health) -> None:
    client = house.client(SCRAPE.replace(b"/metrics", b"/metrics?collect[]=x"))
    house.turns()
    house.examined.examine(greenhouse)
    house.turns()
    assert told(client)[0] == 200


def test_a_request_may_come_byte_by_byte(house: Any, greenhouse: Health) -> None:
    client = house.client()
    for byte in SCRAPE:
        client.send(bytes([byte]))
        house.turns(1)
    house.examined.examine(greenhouse)
    house.turns()
    assert told(client)[0] == 200


def test_half_a_request_is_waited_for_five_seconds(house: Any) -> None:
    client = house.client(SCRAPE[:-1])
    house.turns()
    house.turns(passed_s=SPEAKS_WITHIN_S - 0.1)
    assert heard(client) is None
    house.turns(passed_s=0.2)
    with pytest.raises(EOFError):
        heard(client)


def test_one_that_does_not_read_its_page_is_let_go(house: Any, greenhouse: Health) -> None:
    many = replace(greenhouse, sensors={f"sensor-{number}": greenhouse.sensors["attic"] for number in range(3000)})
    client = house.client(SCRAPE)
    house.turns()
    house.examined.examine(many)
    house.turns()
    assert len(house.server._visitors) == 1
    house.turns(passed_s=LISTENS_WITHIN_S + 0.1)
    assert not house.server._visitors
    client.close()


def test_a_hundred_idle_clients_keep_nobody_from_a_page(house: Any, greenhouse: Health) -> None:
    for _ in range(100 // 20):
        for _ in range(20):
            house.client()
        house.turns(30, passed_s=1.0)
    assert len(house.server._visitors) == MOST_VISITORS
    client = house.client(SCRAPE)
    house.turns(30, passed_s=1.0)
    house.examined.examine(greenhouse)
    house.turns()
    assert told(client)[0] == 200


@given(said=st.binary(max_size=300), cut=st.integers(0, 300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(40))
def test_whatever_is_said_the_next_one_is_served(house: Any, greenhouse: Health, said: bytes, cut: int) -> None:
    strange = house.client(said[:cut])
    house.turns(2)
    with suppress(OSError):
        strange.sendall(said[cut:] + b"\r\n\r\n")
    house.turns(2)
    strange.close()
    client = house.client(SCRAPE)
    house.turns(6, passed_s=FRESH_S)
    house.examined.examine(replace(greenhouse))
    house.turns()
    assert told(client)[0] == 200
    assert not house.log.said
    client.close()
    house.clients.clear()
