"""A machine that has the gateway installed and has never started it, with four chips on its bus, kept as a snapshot.

Two stages, each a snapshot: the booted system, which lasts as long as the image; and that with this checkout on it,
which lasts for one run of the tests.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from emulated.bridge import plug
from emulated.chips import BUS, Chip, configuration
from emulated.machine import Machine, hardware
from emulated.making.image import Image, locked
from emulated.making.installation import archive

BOOTED: Final = "booted"
INSTALLED: Final = "installed"
MODULES: Final = ("uhid", "hid-cp2112", "i2c-dev", "ftdi_sio")
CHIPS: Final = (
    Chip(name="bme280", address=0x76),
    Chip(name="sht4x", address=0x45),
    Chip(name="bh1750", address=0x23),
    Chip(name="tmp102", address=0x49),
)
"""Their values are waves."""


def booted(image: Image, directory: Path) -> Path:
    """A disk with the snapshot of the system that has just started; made where the image has none yet."""
    disk = image.disk.with_name(f"booted-{hardware()}.qcow2")
    with locked(image.disk.with_name("lock")):
        if not disk.exists():
            made = disk.with_suffix(".new")
            overlay(image, made)
            machine = Machine(directory / "booting", image, made)
            try:
                machine.boot()
                machine.run(
                    "systemctl is-system-running --wait || true; systemctl stop getty.target serial-getty@ttyS0"
                )
                machine.run("udevadm settle; sync")
                machine.snapshot(BOOTED)
            finally:
                machine.stop()
            made.rename(disk)
    return disk


def installed(image: Image, directory: Path) -> Path:
    """A disk with the snapshot of the system with this checkout on it."""
    disk = copied(booted(image, directory), directory / "installed.qcow2")
    machine = Machine(directory / "installing", image, disk)
    try:
        machine.resume(BOOTED)
        machine.monitor(f"delvm {BOOTED}")  # which makes the file smaller, and each copy of it
        load_modules(machine)
        node = machine.plug_disk("gateway", archive(directory))
        machine.run(f"tar -C / -xf {node} && sync")
        machine.unplug_disk("gateway")
        bridge = configuration(CHIPS, f"  {BUS}: {{type: simulated, kind: i2c}}")
        plug(machine, {"bridge.yaml": bridge})
        machine.run("sensor-gateway drivers; sync")  # what it reads from the disk stays in memory
        machine.snapshot(INSTALLED)
    finally:
        machine.stop()
    return disk


def load_modules(machine: Machine) -> None:
    """The kernel's, for the bridge and the adapter: nothing asks for them by itself."""
    machine.run(f"modprobe -a {' '.join(MODULES)}")


def overlay(image: Image, disk: Path) -> None:
    """A disk that begins as the image is."""
    disk.unlink(missing_ok=True)
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.disk), str(disk)], check=True
    )


def copied(disk: Path, to: Path) -> Path:
    """A copy, which shares what it can with the original."""
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(disk), str(to)], check=True)
    return to
