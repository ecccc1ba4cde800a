"""The gateway as a service of the machine: its unit, its configuration, and what is done to it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Final

from emulated.machine import Machine

STATE: Final = "/var/lib/sensor-gateway"
FILE: Final = "/etc/sensor-gateway/gateway.yaml"
DISK: Final = "state"
DISK_SIZE: Final = 64 << 20


class Service:
    """The service of the package, as it is shipped, on one machine.

    Its state directory may be a disk of its own, which outlives the machine.
    """

    def __init__(self, machine: Machine, configuration: str) -> None:
        self._machine = machine
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
        self._machine.run("systemctl start sensor-gateway")

    def stop(self) -> None:
        self._machine.run("systemctl stop sensor-gateway")

    def drop_in(self, lines: str) -> None:
        """Change the unit as an operator does; ``lines`` belong to [Service]."""
        self._machine.put("/etc/systemd/system/sensor-gateway.service.d/test.conf", f"[Service]\n{lines}\n")
        self._machine.run("systemctl daemon-reload")

    def signal(self, name: str) -> None:
        """KILL, STOP, CONT or another one, to the process."""
        self._machine.run(f"kill -{name} {self._process()}")

    def restarts(self) -> int:
        return int(self._machine.run("systemctl show -P NRestarts sensor-gateway"))

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The records of the service's journal that match, as ``journalctl`` takes them."""
        found = " ".join(shlex.quote(match) for match in matches)
        said = self._machine.run(f"journalctl -u sensor-gateway -o json --no-pager --all {found}")
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]

    def uptime_s(self) -> float:
        """The time in the machine, on the clock of ``uptime_ms``."""
        return float(self._machine.run("cat /proc/uptime").split()[0])

    def _process(self) -> str:
        return self._machine.run("systemctl show -P MainPID sensor-gateway").strip()
