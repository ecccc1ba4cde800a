"""A gateway is as large after a month as after a day, and after thousands of faults as after hundreds.

Each run is a process of its own, so that what is counted is the gateway's. The two figures of memory that may be more
stand in ``proving/endurance/run.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system


def run(*given: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "proving.endurance.run", *map(str, given)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(3600)
def test_a_month_leaves_a_gateway_as_large_as_its_first_day_did(days: int) -> None:
    found = run("month", "--days", days)
    assert found["grown"] == [], found
    assert found["grown since the first minute"] == [], found
    assert found["waiting"] == 0
    assert all(found["faults"][kind] >= days for kind in ("connection cut", "message refused", "connection refused"))
    assert found["log"]["bus_missing"] >= days, "each day a bus was unplugged"


@pytest.mark.timeout(1800)
def test_faults_leave_no_descriptor_thread_or_object_behind(faults: int) -> None:
    found = run("storm", "--faults", faults)
    assert found["grown"] == [], found
    assert sum(found["faults"].values()) >= faults
    assert found["waiting"] == 0


@pytest.mark.parametrize(
    ("leak", "says"),
    [("objects", "list"), ("entries", "entries"), ("descriptors", "descriptors"), ("threads", "threads")],
)
def test_a_planted_leak_is_found(leak: str, says: str) -> None:
    """The control: what would be left behind is counted."""
    found = run("storm", "--faults", 1_500, "--leak", leak)
    assert any(says in line for line in found["grown"]), found
