"""The package is replaced by a newer and by an older one while events wait for a broker that is away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from booting.machine import Machine
from booting.packaged import Packages, install, installed_version

CONFIGURATION = """\
mqtt: {url: mqtt://localhost, retry_max: 1s}
clock: {hold: 0s}
outbox: {keep_free: 0B}
defaults: {interval: 100ms}
buses: {bench: {type: simulated, kind: i2c}}
sensors:
  attic: {driver: bme280, bus: bench}
  bench: {driver: bh1750, bus: bench}
"""
ENOUGH = 500
RECEIVED = "root/received"
LISTEN = f"exec mosquitto_sub -i counter -c -q 1 -t 'sensors/v1/+/events' >>/{RECEIVED}"


def complaints(events: Iterable[dict[str, Any]]) -> list[str]:
    """What is wrong with a stream that should be one epoch, from its first event on, with nothing missing."""
    found = []
    seqs = set()
    epochs = set()
    for event in events:
        if event["type"] == "gap":
            found.append(f"a gap: {event}")
        else:
            seqs.add(event["seq"])
            epochs.add(event["epoch"])
    if len(epochs) != 1:
        found.append(f"epochs: {sorted(epochs)}")
    missing = set(range(1, max(seqs, default=0) + 1)) - seqs
    if missing:
        found.append(f"{len(missing)} missing, the first is {min(missing)}")
    return found


def received(machine: Machine) -> list[dict[str, Any]]:
    lines = (machine.root / RECEIVED).read_text().splitlines()
    return [event for line in lines for event in json.loads(line)]


def waiting(machine: Machine) -> int:
    told = machine.run("sensor-gateway", "outbox", "status", "--json", check=False)
    return int(json.loads(told.stdout)["waiting"]["events"]) if told.returncode == 0 else -1


def pid(machine: Machine) -> int:
    return int(machine.unit()["MainPID"])


@pytest.mark.parametrize("lost", [0, 1])
def test_a_stream_in_which_one_event_is_missing_is_found(lost: int) -> None:
    """The control of the judge below."""
    events = [{"type": "value", "epoch": "000001-00000000", "seq": seq} for seq in range(1, 10)]
    assert len(complaints(events[:4] + events[4 + lost :])) == lost


def test_an_upgrade_and_a_downgrade_with_a_full_outbox_lose_nothing(machine: Machine, packages: Packages) -> None:
    machine.run("systemctl", "start", "mosquitto")
    machine.run("systemd-run", "--unit=counter", "--property=Restart=always", "sh", "-c", LISTEN)
    machine.write("etc/sensor-gateway/gateway.yaml", CONFIGURATION)
    install_keeping(machine, packages.old)
    machine.wait_until(lambda: (machine.root / RECEIVED).exists() and len(received(machine)) > 20)
    machine.run("systemctl", "stop", "mosquitto")
    machine.wait_until(lambda: waiting(machine) >= ENOUGH)
    lives = [pid(machine)]
    held: list[int] = []
    for package, version in ((packages.new, "1.0.1"), (packages.old, "1.0.0")):
        install_keeping(machine, package)
        assert installed_version(machine) == version
        machine.wait_until(lambda: waiting(machine) > 0)
        lives.append(pid(machine))
        held.append(waiting(machine))
    assert len(set(lives)) == 3, "it did not run anew"
    assert min(held) >= ENOUGH
    machine.run("systemctl", "start", "mosquitto")
    machine.wait_until(lambda: 0 <= waiting(machine) < 20, 60)
    machine.run("systemctl", "stop", "sensor-gateway")
    machine.wait_until(lambda: len(received(machine)) >= held[-1])
    assert complaints(received(machine)) == []


def install_keeping(machine: Machine, package: Path) -> None:
    """With the configuration that is there, as ``apt-get`` does where nobody answers its question."""
    machine.write("etc/apt/apt.conf.d/90keep", 'DPkg::Options { "--force-confold"; };\n')
    install(machine, package)
