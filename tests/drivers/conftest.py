"""How much of the fault matrix is run: ``pytest tests/drivers/test_fault_matrix.py --all-faults`` runs all of it."""

from __future__ import annotations

import pytest
from proving.faults.faults import Extent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--all-faults", action="store_true", help="every fault of every driver, and no sample (minutes)")
    group.addoption("--fault-seed", type=int, default=1, help="which faults are in the sample (default 1)")


@pytest.fixture
def extent(request: pytest.FixtureRequest) -> Extent:
    is_all = request.config.getoption("--all-faults", default=False)
    return Extent(is_all=bool(is_all), seed=int(request.config.getoption("--fault-seed", default=1)))
