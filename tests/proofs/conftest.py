"""How far the proofs go. ``./dev test`` runs each of them small; ``./dev prove`` runs them at release size."""

from __future__ import annotations

import pytest

SCALES = {
    "states": (3_000, "crash states to explore"),
    "kills": (25, "times to kill -9 the whole gateway"),
    "days": (2, "virtual days that a gateway lives through"),
    "faults": (1_500, "faults that a gateway lives through"),
    "cuts": (10, "power cuts at the block device"),
}
CHUNK = 500
"""States of one seed: so many are explored by one test, whose name tells the seed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proofs")
    for name, (default, what) in SCALES.items():
        group.addoption(f"--{name}", type=int, default=default, help=f"{what} (default {default})")
    group.addoption("--seed", type=int, default=1, help="where the seeds begin (default 1)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``chunk_seed`` runs once for each 500 states, each with a seed of its own."""
    if "chunk_seed" in metafunc.fixturenames:
        first, states = metafunc.config.getoption("seed"), metafunc.config.getoption("states")
        seeds = range(first, first + max(states // CHUNK, 1))
        metafunc.parametrize("chunk_seed", seeds, ids=[f"seed={seed}" for seed in seeds])


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("seed"))


@pytest.fixture
def chunk() -> int:
    return CHUNK


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("kills"))


@pytest.fixture
def cuts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("cuts"))


@pytest.fixture
def days(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("days"))


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("faults"))
