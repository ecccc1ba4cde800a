"""What docs/subscribing.md says, on a recorded bad day: each event once, in its best copy, and none is missing.

``proving.kills.recording`` made the recording.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.deduper import Deduper

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "tests" / "data" / "chaos.jsonl.gz"
PAGE = (ROOT / "docs" / "subscribing.md").read_text("utf-8")
TABLE, INSERT, INSERT_POSTGRES, MISSING, CORRECT, CORRECT_POSTGRES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
COLUMNS = re.findall(r":(\w+)", INSERT)

Event = dict[str, Any]


@pytest.fixture(scope="module")
def stream() -> list[Event]:
    return [json.loads(line) for line in gzip.decompress(RECORDING.read_bytes()).splitlines()]


@pytest.fixture
def database() -> Any:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute(TABLE)
    yield connection
    connection.close()


def insert(database: sqlite3.Connection, event: Event) -> None:
    database.execute(INSERT, {name: event.get(name) for name in COLUMNS})


def best_copies(stream: list[Event]) -> dict[str, Event]:
    """By a memory of everything."""
    best: dict[str, Event] = {}
    for event in stream:
        known = best.get(event["id"])
        if known is None or (known.get("clock") == "unsynced" and event["clock"] != "unsynced"):
            best[event["id"]] = event
    return best


def by_the_deduper(stream: list[Event]) -> dict[str, Event]:
    deduper, store = Deduper(), {}
    for event in stream:
        verdict = deduper.offer(event)
        assert (verdict == "new") == (event["id"] not in store)
        if verdict != "duplicate":
            store[event["id"]] = event
    return store


def by_the_last_seq(stream: list[Event]) -> dict[str, Event]:
    """The wrong rule, for comparison."""
    last: dict[str, int] = defaultdict(int)
    store = {}
    for event in stream:
        if event["seq"] > last[event["epoch"]]:
            last[event["epoch"]] = event["seq"]
            store[event["id"]] = event
    return store


def test_the_recording_has_everything_that_makes_it_hard(stream: list[Event]) -> None:
    assert len({event["epoch"] for event in stream}) > 1
    assert len(stream) - len(best_copies(stream)) > 100, "duplicates"
    assert {event["type"] for event in stream} >= {"value", "epoch", "clock"}
    assert {event["clock"] for event in stream} == {"unsynced", "corrected", "synced"}
    copies = defaultdict(list)
    for event in stream:
        copies[event["id"]].append(event["clock"])
    assert sum(clocks[0] == "unsynced" and "corrected" in clocks for clocks in copies.values()) > 10


def test_the_deduper_keeps_every_seq_once_and_in_its_best_copy(stream: list[Event]) -> None:
    assert by_the_deduper(stream) == best_copies(stream)


def test_the_deduper_proves_each_epoch_complete_and_each_hole_too(stream: list[Event]) -> None:
    deduper, holed = Deduper(), Deduper()
    for event in stream:
        deduper.offer(event)
        if not 100 <= event["seq"] < 110:
            holed.offer(event)
    for epoch in {event["epoch"] for event in stream}:
        assert deduper.missing("house", epoch) == []
        assert holed.missing("house", epoch) == [(100, 109)]


def test_the_sql_keeps_every_seq_once_and_in_its_best_copy(stream: list[Event], database: sqlite3.Connection) -> None:
    for event in stream:
        insert(database, event)
    rows = {row["id"]: row for row in database.execute("SELECT * FROM event")}
    best = best_copies(stream)
    assert rows.keys() == best.keys()
    for id_, row in rows.items():
        assert {name: row[name] for name in COLUMNS} == {name: best[id_].get(name) for name in COLUMNS}
    assert database.execute(MISSING).fetchall() == []


def test_dropping_what_is_not_above_the_last_seq_loses_events(stream: list[Event]) -> None:
    lost = best_copies(stream).keys() - by_the_last_seq(stream).keys()
    assert len(lost) > 0


def test_the_sql_finds_what_is_missing_where_no_gap_announces_it(
    stream: list[Event], database: sqlite3.Connection
) -> None:
    epoch = stream[0]["epoch"]
    last = max(event["seq"] for event in stream if event["epoch"] == epoch)
    for event in stream:
        if event["epoch"] == epoch and not (event["seq"] in {5, 6} or 20 <= event["seq"] <= 29):
            insert(database, event)
    announced = {"type": "gap", "gateway": "house", "epoch": epoch, "from_seq": 20, "to_seq": 26}
    for _ in range(2):
        insert(database, {**announced, "id": f"house:{epoch}:gap-20-26"})
    following = {"type": "epoch", "gateway": "house", "epoch": "000009-00000000", "seq": 1, "previous": epoch}
    insert(database, {**following, "id": "house:000009-00000000:1", "previous_last_seq": last + 3})
    found = [tuple(row) for row in database.execute(MISSING)]
    assert found == [("house", epoch, 5, 6), ("house", epoch, 27, 29), ("house", epoch, last + 1, last + 3)]


def test_the_clock_event_corrects_what_was_delivered_before_it(
    stream: list[Event], database: sqlite3.Connection
) -> None:
    for event in stream:
        insert(database, event)
    corrected = {event["id"]: event["time"] for event in stream if event["clock"] == "corrected"}
    offset_ms = next(event["offset_ms"] for event in stream if event["type"] == "clock")
    database.execute(CORRECT)
    for row in database.execute("SELECT id, clock, time, uptime_ms FROM event"):
        assert row["clock"] != "unsynced"
        if row["clock"] == "corrected":
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row["uptime_ms"] + offset_ms)
            assert row["time"] == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            assert row["time"] == corrected.get(row["id"], row["time"])


def test_the_statements_for_postgresql_are_those_for_sqlite() -> None:
    assert re.sub(r"%\((\w+)\)s", r":\1", INSERT_POSTGRES).split() == INSERT.split()
    time = re.compile(r"time = .*\n")
    assert time.sub("", CORRECT_POSTGRES) == time.sub("", CORRECT)


def test_the_python_of_the_page_stores_each_event_once(stream: list[Event]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"store": {}}
    exec(code, names)  # noqa: S102 - the page is ours
    for event in stream:
        names["hear"](json.dumps([event]).encode())
    assert names["store"] == best_copies(stream)
