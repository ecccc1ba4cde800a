"""Drivers of third parties under the package: a directory on the path, in which pip puts them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from booting.machine import Machine
from booting.packaged import ROOT, Packages, install

PAGE = (ROOT / "docs" / "writing-a-driver.md").read_text("utf-8")
FILES = re.compile(r"^```(?:python|toml|yaml)\n# (?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = "usr/local/lib/sensor-gateway/drivers"
CONFIGURATION = """\
mqtt: {url: mqtt://localhost}
clock: {hold: 0s}
buses: {bench: {type: simulated, kind: i2c}}
sensors: {cellar: {driver: tc74, bus: bench, interval: 1s}}
"""


def install_acme(machine: Machine, work: Path) -> None:
    """The package of docs/writing-a-driver.md."""
    for block in FILES.finditer(PAGE):
        file = work / "acme" / block["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block["text"], "utf-8")
    (work / "acme" / "acme_sensors" / "__init__.py").touch()
    target = machine.root / PLACE
    assert target.is_dir(), "the package made no place for drivers"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", target]
    subprocess.run([*pip, work / "acme"], check=True)


def test_a_driver_that_pip_puts_into_the_directory_is_found_and_read(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    install(machine, packages.old)
    assert machine.run("sensor-gateway", "drivers", "tc74", check=False).returncode != 0, "the control"
    install_acme(machine, tmp_path)
    listed = machine.run("sensor-gateway", "drivers", "--json").stdout
    rows = {row["name"]: row for row in map(json.loads, listed.splitlines())}
    assert rows["tc74"]["origin"].startswith("acme-sensors 1.0.0 ")
    assert rows["bme280"]["origin"].startswith("sensor-gateway ")
    machine.run("systemctl", "start", "mosquitto")
    machine.write("etc/sensor-gateway/gateway.yaml", CONFIGURATION)
    machine.run("systemctl", "reload", "sensor-gateway")
    topic = "sensors/v1/+/state/cellar/temperature"
    # Longer than the gateway may wait for its next try: it has been without a broker until now.
    told = machine.run("mosquitto_sub", "-t", topic, "-C", "1", "-W", "150", timeout_s=180.0).stdout
    assert told.startswith("{")


def test_what_is_in_the_directory_replaces_nothing_of_the_gateway_or_of_python(
    machine: Machine, packages: Packages
) -> None:
    install(machine, packages.old)
    for name in ("yaml", "paho", "structlog", "sensor_gateway", "json", "argparse"):
        machine.write(f"{PLACE}/{name}.py", "raise SystemExit('replaced')\n")
    machine.write("root/yaml.py", "raise SystemExit('replaced')\n")
    program = ["env", "--chdir=/root", "PYTHONPATH=/usr/local/lib/sensor-gateway/drivers", "sensor-gateway"]
    assert "0 sensors" in machine.run(*program, "check-config").stdout
    machine.run("systemctl", "restart", "sensor-gateway")
    assert machine.unit()["ActiveState"] == "active"
