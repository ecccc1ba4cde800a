"""The way in without the package: a clean virtual environment, as ``pipx install`` and ``pip install`` make one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from booting.packaged import ROOT

SHIPPED = {
    "sensor-gateway.service", "sensor-gateway.sysusers", "sensor-gateway.tmpfiles", "60-sensor-gateway.rules",
    "gateway.yaml",
}  # fmt: skip


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["checkout", "sdist"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``pip install .``, and the same from a source distribution; build tools and libraries come from the index."""
    place = tmp_path_factory.mktemp("clean")
    source = ROOT
    if request.param == "sdist":
        build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", place / "dist"]
        subprocess.run(build, cwd=ROOT, check=True)
        (source,) = (place / "dist").glob("*.tar.gz")
    run(sys.executable, "-m", "venv", place / "venv")
    run(place / "venv/bin/python", "-m", "pip", "install", "-q", source)
    return place / "venv/bin/sensor-gateway"


def test_it_runs_and_finds_its_drivers_and_devices(program: Path) -> None:
    assert run(program, "--version").startswith("sensor-gateway ")
    events = run(program, "simulate", ROOT / "config" / "simulated.yaml", "--for", "5s").splitlines()
    assert {json.loads(event)["sensor"] for event in events} >= {"attic", "cellar", "bench"}
    assert "xy-md02" in run(program, "devices")


def test_the_files_of_a_service_come_with_it(program: Path) -> None:
    code = "from sensor_gateway.service.installation.hands import shipped_texts; print(*shipped_texts())"
    assert set(run(program.parent / "python", "-c", code).split()) == SHIPPED
    files = next(program.parents[1].glob("lib/python3*/site-packages/sensor_gateway/service/installation/files"))
    assert not [file.name for file in files.iterdir() if file.is_symlink()]
