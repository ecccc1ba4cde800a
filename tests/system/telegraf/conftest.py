"""A broker, a database that Telegraf takes for InfluxDB, and a real Telegraf between them, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proving.kills.broker import Broker
from proving.telegraf.database import Database
from proving.telegraf.process import Telegraf, program, wait_until

Starting = Callable[..., Telegraf]


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest.fixture
def telegraf(tmp_path: Path, broker: Broker, database: Database) -> Iterator[Starting]:
    """Starts Telegraf with the recipe, or with what is changed in it, and returns when it has subscribed."""
    if program() is None:
        pytest.skip("there is no Telegraf: put it on the path, or name it in TELEGRAF (tests/README.md)")
    made: list[Telegraf] = []

    def start(*, waits: bool = True, **changes: str) -> Telegraf:
        made.append(Telegraf(tmp_path, broker=broker.port, database=database.url, changes=changes))
        made[-1].start()
        if waits:
            wait_until(lambda: made[-1].has_subscribed)
        return made[-1]

    yield start
    for one in made:
        one.end()
