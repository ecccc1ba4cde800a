"""A certificate authority, a broker with the configuration that ships, and gateways that prove who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proving.certificates import Authority
from proving.kills.gateway import GatewayProcess
from proving.shipped_broker import Person, ShippedBroker


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def shipped(tmp_path: Path, authority: Authority) -> Iterator[ShippedBroker]:
    broker = ShippedBroker(tmp_path / "broker", authority).start()
    yield broker
    broker.kill()


@pytest.fixture
def person() -> Iterator[Callable[..., Person]]:
    made: list[Person] = []

    def make(*arguments: object, **settings: object) -> Person:
        made.append(Person(*arguments, **settings))  # type: ignore[arg-type]
        return made[-1].connect()

    yield make
    for each in made:
        each.close()


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[Callable[..., GatewayProcess]]:
    """Makes gateways in folders of their own, and ends them."""
    made: list[GatewayProcess] = []

    def make(name: str, config: str) -> GatewayProcess:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        made.append(GatewayProcess(folder, config))
        return made[-1]

    yield make
    for each in made:
        if each.is_running:
            each.kill()
