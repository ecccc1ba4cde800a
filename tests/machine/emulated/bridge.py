"""The USB bridge to I2C of a machine: plugged in and pulled out, with chips of a configuration behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulated.machine import Machine

WORK: Final = "/root/bridge"
NODE: Final = "/dev/i2c-bridge"
"""A link to the bridge's bus, whose number is the kernel's choice."""

_PLUGGED: Final = f"""
for try in $(seq 300); do
    for name in /sys/class/i2c-dev/*/name; do
        grep -qs '^CP2112' $name || continue
        bus=$(basename $(dirname $name))
        [ -c /dev/$bus ] || continue
        ln -sf /dev/$bus {NODE}; echo ${{bus#i2c-}}; exit 0
    done
    sleep 0.1
done
systemctl status bridge; exit 1
"""


def plug(machine: Machine, files: Mapping[str, str]) -> int:
    """Plug it in, with the simulated bus of ``bridge.yaml`` behind it; the number of its bus."""
    for name, text in files.items():
        machine.put(f"{WORK}/{name}", text)
    return replug(machine)


def replug(machine: Machine) -> int:
    """Plug it in again, with what was behind it."""
    machine.run(
        "systemd-run -q --unit bridge --collect --nice=-10 -E PYTHONPATH=/opt/gateway -E PYTHONDONTWRITEBYTECODE=1 "
        f"/usr/bin/python3 -s /opt/bridge/bridge.py {WORK}/bridge.yaml wire"
    )
    return plugged(machine)


def plugged(machine: Machine) -> int:
    """The number of its bus, as soon as it is there."""
    return int(machine.run(_PLUGGED))


def unplug(machine: Machine, bus: int) -> None:
    """Pull it out."""
    machine.run(f"systemctl stop bridge; while [ -e /dev/i2c-{bus} ]; do sleep 0.1; done")
