"""The recipe in a real Telegraf: what comes into the database, and what is still there after a fault."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess, house_config
from proving.telegraf.database import DAY_NS, Database
from proving.telegraf.messages import publish, value
from proving.telegraf.point import Point
from proving.telegraf.process import Telegraf, wait_until
from proving.telegraf.recipe import ANSWER, points
from proving.telegraf.record import written

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

Starting = Callable[..., Telegraf]
Event = dict[str, Any]


def seqs(found: list[Point]) -> list[int]:
    return sorted(int(point.fields["seq"]) for point in found)


def backlog(messages: int, size: int) -> list[list[Event]]:
    """Messages of so many values, in order."""
    return [[value(1 + number * size + place) for place in range(size)] for number in range(messages)]


@pytest.mark.usefixtures("telegraf")
def test_telegraf_makes_of_each_kind_of_event_what_was_recorded(tmp_path: Path) -> None:
    recorded = json.loads(ANSWER.read_text("utf-8"))
    (tmp_path / "asked").mkdir()
    assert written(recorded["messages"], tmp_path / "asked") == [Point(**row) for row in recorded["points"]]


@pytest.mark.parametrize("payload", ["json", "value"])
def test_each_event_of_a_gateway_is_a_point_with_its_value_and_time(
    tmp_path: Path, broker: Broker, database: Database, telegraf: Starting, payload: str
) -> None:
    config = house_config(broker.door.port).replace("retry_max: 1s", f"retry_max: 1s, payload: {payload}")
    gateway = GatewayProcess(tmp_path, config)
    broker.start()
    telegraf()
    gateway.start()
    try:
        wait_until(lambda: len(broker.heard) > 500)
        assert gateway.terminate()[0] == 0
    finally:
        if gateway.is_running:
            gateway.kill()
    broker.settle()
    expected = points(broker.heard)
    wait_until(lambda: len(database.written) >= len(expected))
    assert {point.key: point for point in database.stored()} == {point.key: point for point in expected}
    assert len(expected) == sum(event["type"] == "value" for event in broker.heard)


def test_what_came_while_telegraf_was_away_or_dead_is_in_the_database_once(
    broker: Broker, database: Database, telegraf: Starting
) -> None:
    messages = backlog(60, 1)
    broker.start()
    first = telegraf()
    publish(broker.port, *messages[:20])
    first.end(signal.SIGKILL)
    publish(broker.port, *messages[20:40])
    second = telegraf()
    wait_until(lambda: len(database.stored()) == 40)
    second.end()
    publish(broker.port, *messages[40:])
    telegraf()
    wait_until(lambda: len(database.stored()) == 60)
    assert seqs(database.stored()) == list(range(1, 61))


def test_a_telegraf_that_keeps_no_session_would_be_found(
    broker: Broker, database: Database, telegraf: Starting
) -> None:
    forgetful = {"persistent_session = true": "persistent_session = false"}
    broker.start()
    telegraf(**forgetful).end()
    publish(broker.port, *backlog(20, 1))
    telegraf(**forgetful)
    publish(broker.port, [value(21)])
    wait_until(lambda: bool(database.stored()))
    assert seqs(database.stored()) == [21]


def overflown(broker: Broker, database: Database, start: Starting, held: int, **changes: str) -> int:
    """How many of 20,000 events are missing when the database is away until Telegraf's buffer holds so many."""
    broker.start()
    database.is_away = True
    one = start(**changes)
    publish(broker.port, *backlog(20, 1000))
    wait_until(lambda: one.held == held)
    turned_away = database.turned_away
    wait_until(lambda: database.turned_away > turned_away + 2)
    database.is_away = False
    publish(broker.port, [value(20_001)])
    with suppress(AssertionError):
        wait_until(lambda: len(database.stored()) == 20_001, 15)
    assert database.written, "the database was never reached"
    one.end()
    return 20_001 - len(database.stored())


def test_a_backlog_that_comes_while_the_database_is_away_is_there_when_it_is_back(
    broker: Broker, database: Database, telegraf: Starting
) -> None:
    assert overflown(broker, database, telegraf, 20_000) == 0


def test_a_backlog_overflows_the_buffer_that_telegraf_has_by_default_and_comes_when_it_is_started_again(
    broker: Broker, database: Database, telegraf: Starting
) -> None:
    smaller = {"  metric_buffer_limit = 100000\n": ""}
    assert overflown(broker, database, telegraf, 10_000, **smaller) > 0
    telegraf(**smaller)
    wait_until(lambda: len(database.stored()) == 20_001)


def refused(broker: Broker, database: Database, start: Starting, **changes: str) -> list[int]:
    """What of 40 events from before the clock was set and 10 others is in a bucket that keeps 30 days of them."""
    database.oldest_ns = 1_740_787_200 * 10**9 - 30 * DAY_NS
    events = [value(seq, clock="unsynced", time=f"1970-01-01T00:00:{seq:02}.000Z") for seq in range(1, 41)]
    events += [value(seq) for seq in range(41, 51)]
    broker.start()
    start(**changes)
    publish(broker.port, *([event] for event in events))
    with suppress(AssertionError):
        wait_until(lambda: len(database.stored()) == 10, 10)
    return seqs(database.stored())


def test_events_from_before_the_clock_was_set_keep_no_other_event_out(
    broker: Broker, database: Database, telegraf: Starting
) -> None:
    assert refused(broker, database, telegraf) == list(range(41, 51))
    assert database.refused == 0


def test_events_that_the_database_refuses_would_end_all_that_comes_behind_them(
    broker: Broker, database: Database, telegraf: Starting
) -> None:
    assert refused(broker, database, telegraf, **{'|#(clock!="unsynced")#': ""}) == []
    assert database.refused > 0


def test_telegraf_may_start_before_its_broker(broker: Broker, database: Database, telegraf: Starting) -> None:
    one = telegraf(waits=False)
    wait_until(lambda: "retrying" in one.log)
    broker.start()
    wait_until(lambda: one.has_subscribed)
    publish(broker.port, [value(1)])
    wait_until(lambda: seqs(database.stored()) == [1])


def test_a_telegraf_without_that_setting_ends(telegraf: Starting) -> None:
    one = telegraf(waits=False, **{'  startup_error_behavior = "retry"\n': ""})
    wait_until(lambda: not one.is_running)
