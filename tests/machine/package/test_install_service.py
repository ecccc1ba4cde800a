"""An installation in a virtual environment, made a service by ``install-service``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from booting.machine import Machine
from booting.packaged import Packages, install

SCRIPT = "import sys\nfrom sensor_gateway.cli.main import main\nsys.exit(main())\n"


def environment(machine: Machine, packages: Packages, place: str, work: Path) -> str:
    """What ``pip install`` leaves in a virtual environment of the machine's Python; the program's path."""
    machine.run("python3", "-m", "venv", "--without-pip", "--system-site-packages", f"/{place}")
    subprocess.run(["dpkg-deb", "--extract", packages.old, work], check=True)
    (site,) = (machine.root / place / "lib").glob("python3*/site-packages")
    for part in ("app", "vendor"):
        shutil.copytree(work / "usr/lib/sensor-gateway" / part, site, dirs_exist_ok=True)
    machine.write(f"{place}/bin/sensor-gateway", f"#!/{place}/bin/python3\n{SCRIPT}", mode=0o755)
    return f"/{place}/bin/sensor-gateway"


def is_up(machine: Machine) -> bool:
    return machine.unit()["ActiveState"] == "active"


def test_it_is_a_service_after_one_command_and_once_more_changes_nothing(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    program = environment(machine, packages, "opt/gateway", tmp_path / "work")
    said = machine.run(program, "install-service").stdout
    assert "written   /etc/systemd/system/sensor-gateway.service" in said
    machine.wait_until(lambda: is_up(machine))
    before = machine.unit()
    assert before["User"] == "sensor-gateway"
    assert f"path={program} " in before["ExecStart"]
    machine.write("etc/sensor-gateway/gateway.yaml", "mqtt: {url: mqtt://localhost}\ngateway: {label: mine}\n")
    again = machine.run(program, "install-service").stdout
    assert "written" not in again
    assert "kept      /etc/sensor-gateway/gateway.yaml" in again
    assert machine.unit()["MainPID"] == before["MainPID"]
    machine.power_off()
    machine.boot()
    machine.wait_until(lambda: is_up(machine))


def test_a_program_in_a_home_runs_as_its_owner_and_for_nobody_else(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    machine.run("useradd", "--create-home", "pi")
    machine.run("chmod", "0700", "/home/pi")
    program = environment(machine, packages, "home/pi/gateway", tmp_path / "work")
    refused = machine.run(program, "install-service", check=False)
    assert refused.returncode == 73
    assert "/home/pi cannot be entered by user sensor-gateway" in refused.stderr
    assert not (machine.root / "etc/systemd/system/sensor-gateway.service").exists()
    machine.run(program, "install-service", "--user", "pi")
    machine.wait_until(lambda: is_up(machine))
    pid = machine.unit()["MainPID"]
    assert machine.run("ps", "-o", "user=", "-p", pid).stdout.strip() == "pi"
    assert not machine.run("getent", "passwd", "sensor-gateway", check=False).stdout


def test_where_the_package_is_installed_it_is_refused(machine: Machine, packages: Packages) -> None:
    install(machine, packages.old)
    refused = machine.run("sensor-gateway", "install-service", check=False)
    assert refused.returncode == 73
    assert "the Debian package has installed the service" in refused.stderr
