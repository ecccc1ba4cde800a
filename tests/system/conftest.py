"""The whole gateway as a process, a broker that can be killed, and a subscriber that writes everything down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proving.ear import Ear
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess, house_config


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
    def wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
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
