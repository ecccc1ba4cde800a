"""The whole gateway as a process, a broker that can be killed, and a subscriber that writes everything down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.ear import Ear
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess, house_config
from xdist.scheduler import LoadScopeScheduling

SHARED = (
    "tests/system/packaging/test_deb.py",
    "tests/system/test_cli.py::test_no_bad_file_",
    "tests/system/test_outbox_commands.py",
    "tests/system/test_recipes.py",
    "tests/system/test_schemas.py",
    "tests/system/test_third_party.py",
    "tests/system/test_unit_file.py",
)
"""Beginnings of the names of tests that share what takes seconds to make, and so run in one process."""


class Lanes(LoadScopeScheduling):
    """Gives each process of ``-n`` one test after another, and all that share something to one of them.

    The group of xdist would do, but changes a name of a test that pytest 9 does not let it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared in SHARED if nodeid.startswith(shared)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    return Lanes(config, log)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def gateway(tmp_path: Path, broker: Broker) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path, house_config(broker.door.port))
    yield process
    if process.is_running:
        process.kill()


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], bool], seconds: float = 45.0) -> None:
        deadline_s = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline_s, "it did not come to pass in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    ear = Ear(tmp_path)
    yield ear
    ear.close()


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[Callable[..., GatewayProcess]]:
    made: list[GatewayProcess] = []

    def start(name: str, text: str) -> GatewayProcess:
        directory = tmp_path / name
        directory.mkdir()
        made.append(GatewayProcess(directory, text))
        made[-1].start()
        return made[-1]

    yield start
    for gateway in made:
        if gateway.is_running:
            gateway.kill()
