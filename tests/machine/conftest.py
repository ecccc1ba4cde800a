"""Machines that really boot. They are tried where they are asked for: ``./dev test-machine``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from booting.images import RELEASES, tree
from booting.machine import Machine

TOOLS = ("systemd-nspawn", "mmdebstrap", "nsenter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    asked = os.environ.get("SENSOR_GATEWAY_MACHINE_TESTS") == "1"
    for item in items:
        if here in item.path.parents and not asked:
            item.add_marker(pytest.mark.skip(reason="machines boot where they are asked for: ./dev test-machine"))


@pytest.fixture(params=sorted(RELEASES))
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A machine that is off, once with each release."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.fail(f"it takes root, and {' and '.join(missing) or 'nothing more'}: ./dev test-machine as root")
    with Machine(tmp_path, tree(str(request.param))) as machine:
        yield machine
