"""The USB bridge to I2C of a machine: plugged in and pulled out, with chips of a configuration behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulated.machine import Machine

WORK: Final = "/root/bridge"
UNIT: Final = "bridge@first"
SECOND: Final = "bridge@second"
NODE: Final = "/dev/i2c-bridge"
"""A link to the bridge's bus, whose number is the kernel's choice: a rule of udev(7) makes it."""

_PLUGGED: Final = f"""
for try in $(seq 300); do
    test -c {NODE} && exec basename $(readlink -f {NODE})
    sleep 0.1
done
systemctl status {UNIT}; exit 1
"""


def plug(machine: Machine, files: Mapping[str, str]) -> int:
    """Plug it in, with the simulated bus of ``bridge.yaml`` behind it; the number of its bus."""
    for name, text in files.items():
        machine.put(f"{WORK}/{name}", text)
    return replug(machine)


def replug(machine: Machine, unit: str = UNIT) -> int:
    """Plug it in again, or a SECOND one, with what was behind it."""
    machine.run(f"systemctl start {unit}")
    return plugged(machine)


def plugged(machine: Machine) -> int:
    """The number of its bus, as soon as it is there."""
    return int(machine.run(_PLUGGED).removeprefix("i2c-"))


def unplug(machine: Machine, bus: int) -> None:
    """Pull it out. Its driver waits for who has it open: the number is free when everybody has closed it."""
    machine.run(f"systemctl stop --no-block {UNIT}; while [ -e /dev/i2c-{bus} ]; do sleep 0.1; done")
