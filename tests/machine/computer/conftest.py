"""Machines that stand ready with this checkout installed. Needs root, for the image's first build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulated.bench import Bench
from emulated.making.image import Image, image
from emulated.making.ready import installed
from proving.kills.broker import Broker


@pytest.fixture(scope="session")
def built() -> Image:
    return image()


@pytest.fixture(scope="session")
def ready(built: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    disk = installed(built, tmp_path_factory.mktemp("ready"))
    yield disk
    disk.unlink()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("machines")
    group.addoption("--machine-cuts", type=int, default=5, help="power cuts of the whole machine (default 5)")
    group.addoption("--machine-seed", type=int, default=1, help="which moments they come at (default 1)")


@pytest.fixture
def cuts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--machine-cuts", default=5))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--machine-seed", default=1))


@pytest.fixture
def new_bench(built: Image, ready: Path, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Makes a machine from the snapshot, again and again."""
    made: list[Bench] = []

    def new() -> Bench:
        for old in made:
            old.machine.disk.unlink(missing_ok=True)
        made.append(Bench(tmp_path / f"machine-{len(made)}", built, ready))
        return made[-1]

    yield new
    for bench in made:
        bench.machine.stop()
        bench.machine.disk.unlink(missing_ok=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def bench(built: Image, ready: Path, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, built, ready)
    yield bench
    bench.machine.stop()
    bench.machine.disk.unlink()
