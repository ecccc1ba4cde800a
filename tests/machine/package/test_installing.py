"""The package on a fresh Debian: it runs at once, one file is edited, and it delivers; then it goes, and all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from booting.machine import Machine
from booting.packaged import Packages, install, installed_version

CONFIGURATION = "etc/sensor-gateway/gateway.yaml"
BENCH = """\
  bench:
    driver: bh1750
    bus: bench
    interval: 1s
clock: {hold: 0s}
buses: {bench: {type: simulated, kind: i2c}}
"""


def is_up(machine: Machine) -> bool:
    return machine.unit()["ActiveState"] == "active"


def remains(machine: Machine) -> set[str]:
    """Every file and directory whose path has our name, where packages and services keep things."""
    places = [machine.root / place for place in ("etc", "usr", "var/lib", "run")]
    found = {str(path.relative_to(machine.root)) for place in places for path in place.rglob("*sensor*gateway*")}
    return {path for path in found if not path.startswith(("var/lib/dpkg", "var/lib/systemd/deb-systemd"))}


def edit(machine: Machine) -> None:
    """What the shipped file tells: add a sensor below ``sensors:``."""
    file = machine.root / CONFIGURATION
    file.write_text(file.read_text().replace("sensors:\n", f"sensors:\n{BENCH}", 1))


def test_a_fresh_installation_runs_with_the_shipped_file(machine: Machine, packages: Packages) -> None:
    said = install(machine, packages.old)
    assert not re.search(r"warning|error|traceback", said, re.IGNORECASE), said
    assert is_up(machine)
    assert machine.run("systemctl", "is-enabled", "sensor-gateway").stdout.strip() == "enabled"
    machine.wait_until(lambda: "no_sensors_yet" in machine.run("journalctl", "-u", "sensor-gateway").stdout)
    assert machine.unit()["NRestarts"] == "0"
    assert machine.run("dpkg", "--verify", "sensor-gateway").stdout == ""
    user = ["runuser", "-u", "sensor-gateway", "--"]
    assert "0 sensors" in machine.run(*user, "sensor-gateway", "check-config").stdout
    assert machine.run(*user, "ls", "/etc/sensor-gateway/credentials", check=False).returncode != 0


def test_it_is_compiled_so_that_a_start_writes_and_compiles_nothing(machine: Machine, packages: Packages) -> None:
    install(machine, packages.old)
    places = [machine.root / "usr/lib/sensor-gateway" / part for part in ("app", "vendor")]
    sources = {path for place in places for path in place.rglob("*.py")}
    compiled = {path.parent.parent / f"{path.name.partition('.')[0]}.py" for p in places for path in p.rglob("*.pyc")}
    assert len(sources) > 300
    assert compiled == sources
    machine.run("/usr/share/python3/runtime.d/sensor-gateway.rtupdate", "rtupdate", "python3.11", "python3.13")
    assert {
        path.parent.parent / f"{path.name.partition('.')[0]}.py" for p in places for path in p.rglob("*.pyc")
    } == sources


def test_after_one_file_is_edited_it_reads_and_delivers(machine: Machine, packages: Packages) -> None:
    install(machine, packages.old)
    edit(machine)
    machine.run("systemctl", "start", "mosquitto")
    machine.run("systemctl", "reload", "sensor-gateway")
    topic = "sensors/v1/+/state/bench/illuminance"
    # Longer than the gateway may wait for its next try: it has been without a broker until now.
    got = machine.run("mosquitto_sub", "-t", topic, "-C", "1", "-W", "150", timeout_s=180.0).stdout
    event = json.loads(got)
    assert event["sensor"] == "bench"
    assert event["value"] is not None


def test_a_reboot_starts_it_again(machine: Machine, packages: Packages) -> None:
    install(machine, packages.old)
    machine.power_off()
    machine.boot()
    machine.wait_until(lambda: is_up(machine))


def test_removing_keeps_configuration_and_state_and_purging_keeps_nothing(machine: Machine, packages: Packages) -> None:
    fresh = remains(machine)
    install(machine, packages.old)
    edit(machine)
    machine.wait_until((machine.root / "var/lib/sensor-gateway/outbox").exists)
    machine.write("etc/sensor-gateway/credentials/mqtt-password", "secret", mode=0o600)
    machine.write("etc/sensor-gateway/conf.d/50-own.yaml", "defaults: {interval: 2s}\n")
    machine.run("apt-get", "remove", "--yes", "sensor-gateway")
    assert installed_version(machine) == ""
    assert "sensor-gateway run" not in machine.run("ps", "-ef").stdout
    kept = remains(machine)
    assert {"etc/sensor-gateway", "var/lib/sensor-gateway"} <= kept
    assert "usr/bin/sensor-gateway" not in kept
    assert "usr/lib/sensor-gateway" not in kept
    assert "bench" in (machine.root / CONFIGURATION).read_text()
    gateway = (machine.root / "var/lib/sensor-gateway").rglob("*")
    state = {path.relative_to(machine.root): path.stat().st_ino for path in gateway if path.is_file()}
    assert state
    install(machine, packages.old)
    assert is_up(machine)
    assert "bench" in (machine.root / CONFIGURATION).read_text()
    assert all((machine.root / path).exists() for path in state)
    machine.run("apt-get", "purge", "--yes", "sensor-gateway")
    assert remains(machine) == fresh
    assert not (machine.root / "usr/local/lib/sensor-gateway").exists()


def test_drivers_of_third_parties_survive_a_removal(machine: Machine, packages: Packages) -> None:
    """Who installed them removes them: the package takes its own directory away only when it is empty."""
    install(machine, packages.old)
    driver: Path = machine.write("usr/local/lib/sensor-gateway/drivers/acme.py", "SPEC = None\n")
    machine.run("apt-get", "purge", "--yes", "sensor-gateway")
    assert driver.exists()
