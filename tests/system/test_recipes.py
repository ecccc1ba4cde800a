"""docs/recipes.md does what it says: its commands against a gateway's broker, its JavaScript on the recording.

Telegraf has a folder of its own.

What a machine lacks is skipped, with its name: ``sudo apt-get install mosquitto-clients jq nodejs`` brings all of it.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess, house_config

pytestmark = [pytest.mark.system]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
NEWEST, AS_CSV, GAPS, BARE, NOT_WELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
(FUNCTION,) = re.findall(r"```javascript\n(.*?)```", PAGE, re.DOTALL)
Event = dict[str, Any]
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def stream() -> list[Event]:
    """The bad day, with a gap in it."""
    recording = ROOT / "tests" / "data" / "chaos.jsonl.gz"
    events = [json.loads(line) for line in gzip.decompress(recording.read_bytes()).splitlines()]
    first = events[0]
    gap = {
        "id": f"house:{first['epoch']}:gap-3-9", "type": "gap", "gateway": "house", "epoch": first["epoch"],
        "from_seq": 3, "to_seq": 9, "count": 7, "from_time": None, "to_time": None, "cause": "age",
    }  # fmt: skip
    return [*events, gap, gap]


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: sudo apt-get install mosquitto-clients jq nodejs")


# Against a broker


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> Iterator[tuple[Broker, GatewayProcess]]:
    needs("mosquitto_sub", "jq")
    directory = tmp_path_factory.mktemp("house")
    broker = Broker(directory)
    gateway = GatewayProcess(directory, house_config(broker.door.port, sensors=2))
    broker.start()
    gateway.start()
    wait_until(lambda: len(broker.heard) > 10)
    yield broker, gateway
    gateway.kill()
    broker.stop()


def listening(command: str, port: int) -> subprocess.Popen[str]:
    assert "-h broker.lan" in command
    return subprocess.Popen(
        ["/bin/sh", "-c", command.replace("-h broker.lan", f"-h 127.0.0.1 -p {port}")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines(command: str, port: int, *, count: int) -> list[str]:
    """What a command prints until it has printed so many lines, and what was under way then."""
    found = []
    with listening(command, port) as process:
        assert process.stdout is not None
        for line in process.stdout:
            found.append(line.rstrip("\n"))
            if len(found) == count:
                end_listening(process.pid)
    return found


def end_listening(group: int) -> None:
    """Ctrl-C for mosquitto_sub alone, of all that runs in that group: what reads from it reads to the end."""
    table = subprocess.run(["ps", "-e", "-o", "pid=,pgid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()]
    for pid, pgid, name in (row for row in rows if len(row) == 3):
        if (int(pgid), name) == (group, "mosquitto_sub"):
            os.kill(int(pid), signal.SIGINT)


def test_the_newest_values_are_one_line_for_each_channel(house: tuple[Broker, GatewayProcess]) -> None:
    rows = [line.split("\t") for line in lines(NEWEST, house[0].port, count=100)]
    assert sorted(row[:3] for row in rows) == [["house", "s0", "temperature"], ["house", "s1", "temperature"]]
    for row in rows:
        assert -40 < float(row[3]) < 125
        assert row[4:6] == ["°C", "good"]
        assert datetime.fromisoformat(row[6]).tzinfo is not None


def test_every_value_comes_as_csv_and_the_next_call_goes_on_where_the_last_one_ended(
    house: tuple[Broker, GatewayProcess],
) -> None:
    port = house[0].port
    first = list(csv.reader(lines(AS_CSV, port, count=20)))
    time.sleep(1.0)  # nobody listens
    later = list(csv.reader(lines(AS_CSV, port, count=20)))
    seqs = [int(row[0].rpartition(":")[2]) for row in (*first, *later)]
    assert {row[2] for row in first} == {"s0", "s1"}
    assert sorted(set(seqs)) == list(range(min(seqs), max(seqs) + 1)), "none is missing between the two"


def test_a_gap_is_told_with_its_cause(house: tuple[Broker, GatewayProcess], stream: list[Event]) -> None:
    broker, _ = house
    process = listening(GAPS, broker.port)
    assert process.stdout is not None
    payload = json.dumps([stream[0], stream[-1]])
    command = ["mosquitto_pub", "-p", str(broker.port), "-m", payload, "-q", "1", "-t"]
    for _ in range(20):  # until the listener is there
        subprocess.run([*command, "sensors/v1/attic/events"], check=True)
        subprocess.run([*command, "sensors/v1/house/state/s0/temperature"], check=True)
        if select.select([process.stdout], [], [], 1.0)[0]:
            break
    assert json.loads(process.stdout.readline()) == ["house", 7, "age", None, None]
    end_listening(process.pid)
    process.communicate()


def test_what_is_not_well_is_told_and_nothing_where_all_is_well(house: tuple[Broker, GatewayProcess]) -> None:
    broker, _ = house
    assert lines(NOT_WELL, broker.port, count=10) == []
    topic = "sensors/v1/shed/availability/attic"
    payload = '{"state":"offline","code":"nack","reason":"no answer","since":"2026-11-23T16:00:00.123Z"}'
    subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-t", topic, "-m", payload, "-r"], check=True)
    assert lines(NOT_WELL, broker.port, count=10) == [f"{topic} {payload}"]


def test_bare_values_are_topics_and_numbers(tmp_path: Path, wait_until: Wait) -> None:
    needs("mosquitto_sub")
    broker = Broker(tmp_path)
    config = house_config(broker.door.port, sensors=2).replace("retry_max: 1s", "retry_max: 1s, payload: value")
    gateway = GatewayProcess(tmp_path, config)
    broker.start()
    gateway.start()
    try:
        wait_until(lambda: len(broker.heard) > 10)
        rows = dict(line.split(" ") for line in lines(BARE, broker.port, count=100))
        assert rows.keys() == {f"sensors/v1/house/state/s{number}/temperature" for number in range(2)}
        assert all(-40 < float(value) < 125 for value in rows.values())
        assert gateway.terminate()[0] == 0
        assert set(dict(line.split(" ") for line in lines(BARE, broker.port, count=100)).values()) == {"None"}
    finally:
        if gateway.is_running:
            gateway.kill()
        broker.stop()


# Node-RED's function node

HARNESS = """
const fs = require("fs");
const [code, messages] = JSON.parse(fs.readFileSync(0, "utf8"));
const kept = {};
const context = { get: (key) => kept[key], set: (key, value) => { kept[key] = value; } };
const run = new Function("msg", "context", "node", code);
const out = messages.map((payload) => run({ payload }, context, {}));
process.stdout.write(JSON.stringify({ out, remembered: kept.seen.size }));
"""


def run_function(messages: list[Any], code: str = FUNCTION) -> dict[str, Any]:
    needs("node")
    ended = subprocess.run(
        ["node", "-e", HARNESS], input=json.dumps([code, messages]), capture_output=True, text=True, check=True
    )
    return dict(json.loads(ended.stdout))


def in_messages(events: list[Event], size: int = 7) -> list[list[Event]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


@pytest.mark.parametrize("as_text", [False, True])
def test_the_function_node_gives_each_value_once_in_its_best_copy_and_each_gap_once(
    stream: list[Event], *, as_text: bool
) -> None:
    messages = in_messages(stream)
    found = run_function([json.dumps(one) for one in messages] if as_text else messages)
    values = [message for out in found["out"] for message in out[0]]
    gaps = [message for out in found["out"] for message in out[1]]
    best: dict[str, Event] = {}
    told = 0
    for event in stream:
        known = best.get(event["id"])
        is_better = known is not None and known.get("clock") == "unsynced" and event.get("clock") != "unsynced"
        if known is None or is_better:
            best[event["id"]] = event
            told += event["type"] == "value"
    assert {one["event"]["id"]: one["event"] for one in values} == {
        id_: event for id_, event in best.items() if event["type"] == "value"
    }
    assert len(values) == told
    assert all(one["payload"] == one["event"]["value"] for one in values)
    assert all(one["topic"] == f"house/{one['event']['sensor']}/{one['event']['channel']}" for one in values)
    assert [gap["payload"]["id"] for gap in gaps] == [stream[-1]["id"]]


def test_the_memory_of_the_function_node_is_bounded(stream: list[Event]) -> None:
    small = FUNCTION.replace("const MOST = 20000;", "const MOST = 50;")
    assert small != FUNCTION
    assert run_function(in_messages(stream), small)["remembered"] == 50


def test_a_function_node_that_forgets_at_once_would_be_found(stream: list[Event]) -> None:
    forgetful = run_function(in_messages(stream), FUNCTION.replace('context.get("seen") ||', ""))
    values = [message for out in forgetful["out"] for message in out[0]]
    assert len(values) > len({one["event"]["id"] for one in values}) + 100
