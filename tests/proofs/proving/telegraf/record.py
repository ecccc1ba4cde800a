"""What a real Telegraf makes of messages of every kind, written down for the machines that have none.

``PYTHONPATH=tests/proofs TELEGRAF=/path/to/telegraf python -m proving.telegraf.record`` writes it anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from proving.kills.broker import Broker
from proving.telegraf.database import Database
from proving.telegraf.messages import MESSAGES, publish
from proving.telegraf.point import Point
from proving.telegraf.process import Telegraf, program, wait_until
from proving.telegraf.recipe import ANSWER, consumer, points


def written(messages: Sequence[Sequence[Mapping[str, Any]]], folder: Path) -> list[Point]:
    """What Telegraf writes to the database when these are published, without the times of arrival."""
    began_ns = time.time_ns()
    broker, database = Broker(folder), Database()
    telegraf = Telegraf(folder, broker=broker.port, database=database.url)
    wanted = sum(len(points(message)) for message in messages)
    broker.start()
    telegraf.start()
    try:
        wait_until(lambda: telegraf.has_subscribed)
        for message in messages:
            publish(broker.port, message)
        wait_until(lambda: len(database.written) >= wanted)
    finally:
        telegraf.end()
        broker.stop()
        database.close()
    return [replace(one, time_ns=None) if (one.time_ns or 0) >= began_ns else one for one in database.written]


def record() -> str:
    """The answer as a file, with the settings and the messages that it is the answer to."""
    found = program()
    if found is None:
        sys.exit("there is no Telegraf: put it on the path, or name it in TELEGRAF")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    with tempfile.TemporaryDirectory() as folder:
        made = [asdict(point) for point in written(MESSAGES, Path(folder))]
    answer = {"telegraf": [version], "parser": consumer()["json_v2"], "messages": MESSAGES, "points": made}
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(rows)}" for key, rows in answer.items()) + "\n}\n"


def _lines(rows: Sequence[Any]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"


if __name__ == "__main__":
    ANSWER.write_text(record(), "utf-8")
