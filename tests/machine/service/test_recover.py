"""A recover command under the shipped unit: it asks, and root's own unit does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "systemd" / "recover"
PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")
CONFIG = """
gateway: {id: box}
mqtt: {url: 'mqtt://127.0.0.1'}
clock: {hold: 0s}
defaults: {interval: 1s}
buses:
  wire:
    type: simulated
    kind: i2c
    scenario: /etc/sensor-gateway/silent.yaml
    recover: {command: [%s], after: 1s, at_most_every: 10s, within: 30s}
sensors:
  attic: {driver: bme280, bus: wire}
"""
SILENT = "faults: [{bus: wire, kind: unplug, from: 3s, until: 40s}]\n"
WITNESS = """#!/bin/sh
id -u > /run/witness
exit %d
"""
START = ("systemctl", "start", "sensor-gateway")

pytestmark = pytest.mark.system


def installed(house: Any, *, command: str = "sensor-gateway-ask-root", ends_with: int = 0) -> None:
    """As docs/operating.md says it; what is done with the bus is to note who does it."""
    for line in re.findall(r"^sudo install (.+)$", PAGE, re.MULTILINE):
        words = [word for word in line.split() if word not in {"-m", "-D"}]
        mode, *files, target = words
        for name in files:
            place = f"{target}{name}" if target.endswith("/") else target
            house.machine.write(place, (SHIPPED / name).read_text(), mode=int(mode, 8))
    house.machine.write("etc/sensor-gateway/recover/wire", WITNESS % ends_with, mode=0o755)
    house.machine.write("etc/sensor-gateway/silent.yaml", SILENT)
    house.boot(CONFIG % command)
    house.machine.run("systemctl", "enable", "--now", "sensor-gateway-recover@wire.path")
    house.machine.run(*START)


def events(house: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.machine.journal(f"EVENT={name}", "_SYSTEMD_UNIT=sensor-gateway.service")
    return found


def test_root_does_what_the_command_asks_for_and_the_gateway_knows_how_it_ended(house: Any) -> None:
    installed(house)
    house.machine.wait_until(lambda: events(house, "bus_recovery_done") != [], 60)
    assert house.machine.run("cat", "/run/witness").stdout == "0\n"
    (done, *_) = events(house, "bus_recovery_done")
    assert done["OUTPUT"].startswith("sensor-gateway-recover@wire.service ended with 0")
    house.machine.wait_until(lambda: events(house, "bus_heard_again") != [], 60)


def test_a_failure_of_roots_is_one_of_the_command(house: Any) -> None:
    installed(house, ends_with=3)
    house.machine.wait_until(lambda: events(house, "bus_recovery_failed") != [], 60)
    (failed, *_) = events(house, "bus_recovery_failed")
    assert (failed["BUS"], failed["EXIT_CODE"]) == ("wire", "1")
    assert "ended with 3" in failed["OUTPUT"]


def test_control_the_command_itself_is_not_root_and_cannot_become_it(house: Any) -> None:
    installed(house, command="sh, -c, 'id -u; touch /etc/x || true; touch /run/sensor-gateway/y && echo own'")
    house.machine.wait_until(lambda: events(house, "bus_recovery_done") != [], 60)
    (done, *_) = events(house, "bus_recovery_done")
    uid, *rest = done["OUTPUT"].split("\\n")  # a log escapes what begins a line
    assert uid == house.machine.run("id", "-u", "sensor-gateway").stdout.strip() != "0"
    assert "Read-only file system" in rest[0]
    assert rest[1:] == ["own"]
    assert house.machine.run("test", "-e", "/run/witness", check=False).returncode == 1
