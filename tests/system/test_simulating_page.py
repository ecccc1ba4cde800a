"""docs/simulating.md does what it says: its files are written, its commands run, its table is tried cell by cell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor_gateway.cli.main import main
from sensor_gateway.simulation.scenario import FaultKind

pytestmark = [pytest.mark.system]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulating.md").read_text("utf-8")
FILES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
WEATHER, DEAD, IN_A_CI, LOOKED_FOR, RECORDED = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SHOWN, SAID = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
ROW = re.compile(r"^\| `(\w+)`(.*?) \|.*\| (\S+) \| (\S+) \| (\S+) \|$", re.MULTILINE)
SUBJECTS = {"attic": "i2c1", "boiler": "rs485", "probe": "linux-probe"}
"""A sensor of each kind of bus, in the order of the columns."""


def cells() -> Iterator[tuple[str, str, str]]:
    """A fault as the table says it, for a sensor, and the code that is promised."""
    for kind, more, *codes in ROW.findall(PAGE):
        for (sensor, bus), code in zip(SUBJECTS.items(), codes, strict=True):
            whom = f"bus: {bus}" if "bus" in more else f"sensor: {sensor}"
            by = re.search(r"`(by: \w+)`", more)
            yield f"{{{whom}, kind: {kind}, from: 12s{f', {by[1]}' if by else ''}}}", sensor, code.strip("`")


CELLS = list(cells())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    if "jq " in script and shutil.which("jq") is None:
        pytest.skip("jq is not installed: sudo apt-get install jq")
    return subprocess.run(
        ["/bin/sh", "-ec", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def events(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_the_weather_of_the_page_gives_the_events_that_it_shows(folder: Path) -> None:
    ended = shell(folder, WEATHER)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.sub(r"\.0\b", "", ended.stdout) == SHOWN  # jq 1.7 writes 55.0, 1.6 writes 55


def test_what_the_scenario_says_is_what_the_events_say(folder: Path) -> None:
    """By the words of the scenario, not by what came out."""
    shell(folder, WEATHER.splitlines()[0])
    said = events(folder / "events.jsonl")
    warm = [event["value"] for event in said if event["sensor"] == "attic" and event["value"] is not None]
    assert warm == sorted(warm)  # type: ignore[type-var]  # numbers
    assert (warm[0], warm[-1]) == (pytest.approx(20, abs=0.1), pytest.approx(25.5, abs=0.1))
    assert [event["value"] for event in said if event["sensor"] == "boiler"] == [55]
    light = [(event["reason"], event["value"]) for event in said if event["sensor"] == "hall"]
    assert light == [
        ("first", pytest.approx(100, abs=1)),
        ("change", pytest.approx(400, abs=1)),
        ("fault", None),
        ("recovery", pytest.approx(400, abs=1)),
    ]
    hours = [str(event["time"])[11:13] for event in said]
    assert {hours[0], hours[-1]} == {"08", "07"}


def test_a_dead_address_is_told_as_the_page_says(folder: Path) -> None:
    ended = shell(folder, DEAD)
    assert ended.stderr + ended.stdout == SAID


def test_the_lines_for_a_ci_pass_and_what_is_looked_for_is_found(folder: Path) -> None:
    assert shell(folder, IN_A_CI).returncode == 0
    found = shell(folder, LOOKED_FOR)
    assert (found.returncode, found.stdout) == (0, "true\n")


def test_what_is_looked_for_is_missed_where_nothing_goes_wrong(folder: Path) -> None:
    (folder / "storm.yaml").write_text("values: {boiler.flow: 55}\n")
    assert shell(folder, LOOKED_FOR).returncode == 1


def test_a_simulated_bus_is_recorded_and_replayed(folder: Path) -> None:
    ended = shell(folder, RECORDED)
    assert ended.returncode == 0, ended.stderr
    assert {event["channel"] for event in events(folder / "replayed.jsonl")} == {"temperature", "humidity"}


def test_every_kind_of_fault_is_on_the_page() -> None:
    assert {kind for kind, *_ in ROW.findall(PAGE)} | {"clock_jump"} == {kind.value for kind in FaultKind}
    assert len(CELLS) == 3 * 8


@pytest.mark.parametrize(("fault", "sensor", "code"), CELLS, ids=[f"{fault}-{sensor}" for fault, sensor, _ in CELLS])
def test_a_fault_of_the_table_gives_the_code_of_its_cell(
    folder: Path, capsys: pytest.CaptureFixture[str], fault: str, sensor: str, code: str
) -> None:
    house, weather = folder / "house.yaml", folder / "fault.yaml"
    house.write_text(f"{FILES['house.yaml']}  probe: {{driver: ds18b20}}\n", "utf-8")
    weather.write_text(f"faults: [{fault}]\n", "utf-8")
    assert main(["simulate", str(house), "--scenario", str(weather), "--for", "1min"]) == 0
    said = map(json.loads, capsys.readouterr().out.splitlines())
    codes = {event["code"] for event in said if event["sensor"] == sensor and "code" in event}
    assert codes == (set() if code == "none" else {code})
