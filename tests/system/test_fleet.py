"""Many gateways at one real broker, and what `fleet` says of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from proving.ear import UNPLUGGED, Ear, small_config
from proving.kills.gateway import GatewayProcess

from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = pytest.mark.system


def fleet(gateway: GatewayProcess, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sensor_gateway", "fleet", "--config", str(gateway.config), *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def test_a_fleet_is_shown_worst_first_with_a_line_for_each(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None], tmp_path: Path
) -> None:
    """One is well, one has lost a sensor, one was stopped, and what is there of three others was published by hand."""
    (tmp_path / "pulled.yaml").write_text(UNPLUGGED)
    barn = gateways("barn", small_config("barn", ear.port))
    gateways("shed", small_config("shed", ear.port, bus=f", scenario: {tmp_path / 'pulled.yaml'}"))
    gone = gateways("gone", small_config("gone", ear.port))
    wait_until(lambda: ear.health("gone").get("sensor_counts", {}).get("online") == 2)
    assert gone.terminate()[0] == 0
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    wait_until(lambda: ear.health("shed").get("sensor_counts", {}).get("offline") == 1)
    wait_until(lambda: ear.health("shed")["sensor_counts"]["online"] == 1)
    wait_until(lambda: b"offline" in ear.retained["sensors/v1/gone/status"])
    quiet = fleet(barn, "--check")
    assert quiet.returncode == 2, quiet.stdout
    assert quiet.stdout.startswith("bad: 3 gateways, 1 well; gone: offline; shed: 1 of 2 sensors not online (s0)")

    assert fleet(barn, "--check", "--expect", "3").stdout == quiet.stdout
    fewer = fleet(barn, "--check", "--expect", "4")
    assert fewer.stdout.startswith("bad: 3 gateways, 1 well; 1 of 4 expected gateways not heard of; gone: offline")

    ear.publish("sensors/v1/gone/status", b"")
    for kind in ("health", "meta", "availability/s0", "availability/s1"):
        ear.publish(f"sensors/v1/gone/{kind}", b"")
    assert fleet(barn, "--check").returncode == 1
    named = fleet(barn, "--check", "--expect", "barn,gone")
    assert (named.returncode, "gone: nothing was heard of it" in named.stdout) == (2, True)
    assert fleet(barn, "--expect", "a/b").returncode == os.EX_USAGE

    ear.publish("sensors/v1/junk/status", b"\xff\x00{")
    ear.publish("sensors/v1/junk/health", "[" * 5000)
    ear.publish("sensors/v1/old/status", '{"state":"online","version":"0.0.1"}')
    ear.publish("sensors/v1/lossy/status", '{"state":"online"}')
    ear.publish("sensors/v1/lossy/health", '{"lost_total":7,"buffered":0,"clock":"unsynced"}')
    told = fleet(barn, "--json")
    assert told.returncode == os.EX_OK
    lines = {line["gateway"]: line for line in map(json.loads, told.stdout.splitlines())}
    assert list(lines) == ["junk", "lossy", "old", "shed", "barn"]
    assert [lines[name]["verdict"] for name in lines] == ["bad", "bad", "degraded", "degraded", "well"]
    assert lines["junk"]["why"] == ["nobody can read its status", "nobody can read its health"]
    assert lines["lossy"]["why"] == ["7 events lost since its start", "clock not set"]
    assert lines["old"]["why"] == ["no health message"]
    barn_line = lines["barn"]
    assert (barn_line["state"], barn_line["sensors_ok"], barn_line["sensors_total"]) == ("online", 2, 2)
    assert (barn_line["lost"], barn_line["clock"], barn_line["why"]) == (0, "synced", [])
    table = fleet(barn).stdout.splitlines()
    assert len(table) == 1 + len(lines)
    assert [line.split()[0] for line in table[1:]] == list(lines)


def test_without_a_broker_the_fleet_is_69_and_without_gateways_it_says_so(
    ear: Ear, gateways: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    (tmp_path / "nobody").mkdir()
    nobody = GatewayProcess(tmp_path / "nobody", small_config("nobody", ear.port))
    empty = fleet(nobody)
    assert (empty.returncode, empty.stdout) == (os.EX_OK, "")
    assert "no gateway has said anything below sensors/v1/" in empty.stderr
    assert fleet(nobody, "--check").returncode == 2
    nobody.config.write_text(small_config("nobody", free_port()))
    assert fleet(nobody).returncode == os.EX_UNAVAILABLE


def test_a_driver_that_cannot_be_used_here_keeps_nobody_from_looking_at_the_fleet(
    ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "strange_drivers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-drivers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sensor_gateway.drivers]\nstrange = strange_driver:SPEC\n")
    (tmp_path / "strange_driver.py").write_text("raise SystemError('half a release')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "desk").mkdir()
    desk = GatewayProcess(tmp_path / "desk", small_config("desk", ear.port).replace("tmp1075", "strange"))
    assert "driver: strange" in desk.config.read_text()
    found = fleet(desk)
    assert found.returncode == os.EX_OK, found.stderr
