"""The gateway as a service of the machine: its unit, its configuration, and what is done to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from emulated.machine import Machine

STATE: Final = "/var/lib/sensor-gateway"
FILE: Final = "/etc/sensor-gateway/gateway.yaml"
DISK: Final = "state"
DISK_SIZE: Final = 64 << 20

_UNIT: Final = f"""[Unit]
Description=Sensor gateway
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/local/bin/sensor-gateway run --config {FILE}
RuntimeDirectory=sensor-gateway
RuntimeDirectoryPreserve=yes
StateDirectory=sensor-gateway
StandardError=append:/run/gateway.log
StandardOutput=append:/run/gateway.log
Restart=always
RestartSec=200ms
"""


class Service:
    """One service on one machine. Its state directory may be a disk of its own, which outlives the machine."""

    def __init__(self, machine: Machine, configuration: str) -> None:
        self._machine = machine
        machine.put("/etc/systemd/system/sensor-gateway.service", _UNIT)
        machine.put(FILE, configuration)

    def keep_on(self, disk: Path) -> None:
        """Have the state on a disk of its own; an empty one is formatted first."""
        is_new = not disk.exists()
        if is_new:
            with disk.open("wb") as file:
                file.truncate(DISK_SIZE)
        node = self._machine.plug_disk(DISK, disk)
        if is_new:
            self._machine.run(f"mkfs.ext4 -q {node}")
        self._machine.run(f"mkdir -p {STATE} && mount -o noatime {node} {STATE}")

    def start(self) -> None:
        self._machine.run("systemctl daemon-reload; systemctl start sensor-gateway")

    def stop(self) -> None:
        self._machine.run("systemctl stop sensor-gateway")

    def signal(self, name: str) -> None:
        """KILL, STOP, CONT or another one, to the process."""
        self._machine.run(f"kill -{name} {self._process()}")

    def restarts(self) -> int:
        return int(self._machine.run("systemctl show -P NRestarts sensor-gateway"))

    def uptime_s(self) -> float:
        """The time in the machine, on the clock of ``uptime_ms``."""
        return float(self._machine.run("cat /proc/uptime").split()[0])

    def _process(self) -> str:
        return self._machine.run("systemctl show -P MainPID sensor-gateway").strip()
