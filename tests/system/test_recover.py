"""A real gateway whose bus falls silent, and the command that its configuration has for that."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from proving.ear import Ear, small_config
from proving.kills.gateway import GatewayProcess

pytestmark = pytest.mark.system

WITNESS = """\
import json, os, sys, time
entry = {
    "at": time.time(), "environ": sorted(os.environ), "bus": os.environ["SENSOR_GATEWAY_BUS"], "cwd": os.getcwd(),
    "open": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2
                   and os.path.exists(f"/proc/self/fd/{fd}")),
    "pid": os.getpid(),
}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(entry) + "\\n")
print("switched")
"""
STUBBORN = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(3600)
"""
SILENT_FOR_A_WHILE = "faults: [{bus: wire, kind: unplug, from: 3s, until: 25s}]\n"
SILENT = "faults: [{bus: wire, kind: unplug, from: 3s}]\n"
ONE_SILENT = "faults: [{sensor: s0, kind: nack, from: 3s}]\n"

Start = Callable[..., GatewayProcess]


@pytest.fixture
def start(ear: Ear, gateways: Callable[..., GatewayProcess], tmp_path: Path) -> Start:
    """Starts a gateway whose bus lives by a scenario, and has a script as its recover command."""

    def begin(scenario: str, script: str, keys: str = "") -> GatewayProcess:
        (tmp_path / "scenario.yaml").write_text(scenario)
        (tmp_path / "script.py").write_text(script)
        command = json.dumps([sys.executable, "-I", "-S", str(tmp_path / "script.py"), str(tmp_path / "witness")])
        recover = f"recover: {{command: {command}, after: 1s, at_most_every: 10s{keys}}}"
        bus = f", scenario: {tmp_path / 'scenario.yaml'}, {recover}"
        return gateways("barn", small_config("barn", ear.port, bus=bus))

    return begin


def told(ear: Ear) -> dict[str, Any]:
    health = ear.health("barn")
    recovery: dict[str, Any] = health.get("buses", {}).get("wire", {}).get("recovery") or {}
    return recovery


def names(gateway: GatewayProcess) -> list[str]:
    return [entry["event"] for entry in gateway.entries()]


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()


def test_a_bus_that_falls_silent_has_its_command_run_and_is_read_again_afterwards(
    ear: Ear, start: Start, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    gateway = start(SILENT_FOR_A_WHILE, WITNESS)
    witness = tmp_path / "witness"
    wait_until(witness.exists, 40)
    wait_until(lambda: told(ear).get("outcome") == "done", 20)
    entry = json.loads(witness.read_text().splitlines()[0])
    assert entry["bus"] == "wire"
    assert entry["cwd"] == "/"
    assert set(entry["environ"]) - {"LC_CTYPE"} == {"HOME", "LANG", "PATH", "SENSOR_GATEWAY_BUS"}
    assert entry["open"] == [], "no descriptor of the gateway's is open in it"
    assert (told(ear)["failures"], told(ear)["reason"]) == (0, "")
    wait_until(lambda: "bus_heard_again" in names(gateway), 60)
    said = names(gateway)
    order = ["bus_silent", "bus_recovery_started", "bus_recovery_done", "bus_heard_again"]
    assert [said.index(name) for name in order] == sorted(said.index(name) for name in order)
    done = next(entry for entry in gateway.entries() if entry["event"] == "bus_recovery_done")
    assert (done["bus"], done["exit_code"], done["output"]) == ("wire", 0, "switched")
    wait_until(lambda: ear.health("barn")["sensor_counts"]["online"] == 2, 30)
    runs = [json.loads(line)["at"] for line in witness.read_text().splitlines()]
    assert all(after - before >= 9.5 for before, after in pairwise(runs))
    assert gateway.process is not None
    assert children(gateway.process.pid) == "", "no zombie is left"


def test_a_bus_of_which_one_sensor_answers_is_left_alone(
    ear: Ear, start: Start, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """The control of the test above: not silence in general brings the command, but that of all sensors."""
    gateway = start(ONE_SILENT, WITNESS)
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("offline") == 1, 40)
    time.sleep(12)  # two looks, and more than `after`
    assert not (tmp_path / "witness").exists()
    assert not any(name.startswith("bus_recovery") for name in names(gateway))


def test_a_command_that_refuses_to_end_holds_neither_readings_nor_a_stop_up(
    ear: Ear, start: Start, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    gateway = start(SILENT, STUBBORN, ", within: 5min")
    witness = tmp_path / "witness"
    wait_until(lambda: witness.exists() and len(witness.read_text().split()) == 2, 40)
    pids = [int(pid) for pid in witness.read_text().split()]
    assert told(ear).get("outcome") in {None, "running"}
    code, seconds = gateway.terminate()
    assert code == 0
    assert seconds < 5.5
    assert not any(is_alive(pid) for pid in pids)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_program_that_is_not_there_is_an_alarm_and_the_gateway_goes_on(
    ear: Ear, gateways: Callable[..., GatewayProcess], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    (tmp_path / "scenario.yaml").write_text(SILENT_FOR_A_WHILE)
    bus = f", scenario: {tmp_path / 'scenario.yaml'}, recover: {{command: [/no/such/program], after: 1s}}"
    gateway = gateways("barn", small_config("barn", ear.port, bus=bus))
    wait_until(lambda: "recover_failed" in ear.health("barn").get("alarms", []), 40)
    assert told(ear)["outcome"] == "not_started"
    assert told(ear)["reason"] == "recover.command: there is no /no/such/program"
    assert names(gateway).count("bus_recovery_not_started") == 1
    wait_until(lambda: ear.health("barn")["alarms"] == [], 60)
    assert told(ear)["failures"] == 1
