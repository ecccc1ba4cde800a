"""A machine with a USB bridge to I2C: which chips are behind it, and what the kernel's own drivers say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from emulated.bridge import plug, plugged, unplug
from emulated.chips import Chip, simulated
from emulated.machine import Machine
from emulated.making.image import Image
from emulated.making.ready import INSTALLED, copied

TRIES: Final = "$(seq 20)"
"""As a shell counts."""


class Bench:
    """One machine, from the snapshot on."""

    def __init__(self, directory: Path, image: Image, disk: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.machine = Machine(directory, image, copied(disk, directory / "disk.qcow2"))
        self.machine.resume(INSTALLED)
        self.bus = plugged(self.machine)

    def unplug(self) -> None:
        """Pull the bridge out."""
        unplug(self.machine, self.bus)

    def measure(self, chips: Sequence[Chip], weather: Mapping[str, float]) -> None:
        """Have the chips behind the bridge measure this, from power-on."""
        self.unplug()
        self.bus = plug(self.machine, simulated(chips, weather))

    def bind(self, chip: Chip) -> None:
        """Give the chip to the kernel's driver.

        The kernel waits 50 ms for the bridge, which may take longer on a machine that has other things to do, so it is
        given as many tries as TRIES says.
        """
        self.machine.run(
            f"modprobe {chip.module}; cd /sys/bus/i2c/devices; for try in {TRIES}; do "
            f"echo {chip.kernel_name} {chip.address:#x} > i2c-{self.bus}/new_device; "
            f"test -e {self.bus}-{chip.address:04x}/driver && exit 0; "
            f"echo {chip.address:#x} > i2c-{self.bus}/delete_device; sleep 0.2; done; dmesg | tail -3; exit 1"
        )

    def release(self, chip: Chip) -> None:
        """Take the chip from the kernel's driver."""
        self.machine.run(f"echo {chip.address:#x} > /sys/bus/i2c/devices/i2c-{self.bus}/delete_device")

    def kernel_values(self, chip: Chip) -> dict[str, float]:
        """What the kernel says of each channel, in our units; it is given tries, as above."""
        device = f"/sys/bus/i2c/devices/{self.bus}-{chip.address:04x}"
        looks = [
            f"for look in $(seq {told.looks}); do sleep {told.pause_s}; for try in {TRIES}; do "
            f"said=$(cat {' '.join(told.files(device))}) && break; sleep 0.2; done; done; echo $said"
            for told in chip.told.values()
        ]
        lines = self.machine.run("exec 2> /tmp/failed; " + "; ".join(looks)).splitlines()
        return {
            name: told.in_our_units(map(float, line.split()))
            for (name, told), line in zip(chip.told.items(), lines, strict=True)
        }
