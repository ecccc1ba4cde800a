"""A machine that has the gateway installed and has never started it, with four chips on its bus, kept as a snapshot.

Two stages, each a snapshot: the booted system, which lasts as long as the image; and that with this checkout's Debian
package on it, which lasts until the package is another one.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from emulated.bridge import UNIT, plug
from emulated.chips import BUS, Chip, configuration
from emulated.machine import Machine, hardware
from emulated.making.image import Image, locked
from emulated.making.installation import PACKAGE, archive, files, fingerprint

BOOTED: Final = "booted"
INSTALLED: Final = "installed"
CHIPS: Final = (
    Chip(name="bme280", address=0x76),
    Chip(name="sht4x", address=0x45),
    Chip(name="bh1750", address=0x23),
    Chip(name="tmp102", address=0x49),
)
"""Their values are waves."""
_BRIDGE: Final = configuration(CHIPS, f"  {BUS}: {{type: simulated, kind: i2c}}")


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


_INSTALL: Final = f"""
set -e
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
DEBIAN_FRONTEND=noninteractive dpkg -i /{PACKAGE} 2>&1
rm /usr/sbin/policy-rc.d /{PACKAGE}
systemctl -q enable {UNIT}; systemctl restart systemd-modules-load; udevadm control --reload
"""
"""As apt does it, and without the first start: policy-rc.d is how Debian forbids one."""


def installed(image: Image, directory: Path) -> Path:
    """A disk with the snapshot of the system with this checkout's package on it; made where there is none."""
    directory.mkdir(exist_ok=True)
    contents = files(directory)
    mark = fingerprint(contents, hardware(), _BRIDGE, Path(__file__).read_text())
    kept = image.disk.with_name(f"installed-{mark}.qcow2")
    with locked(image.disk.with_name("installed.lock")):
        if not kept.exists():
            made = _install(image, directory, archive(contents, directory / "gateway.tar"))
            for old in image.disk.parent.glob("installed-*.qcow2"):
                old.unlink()
            made.rename(kept)
        return copied(kept, directory / "installed.qcow2")


def _install(image: Image, directory: Path, tar: Path) -> Path:
    disk = copied(booted(image, directory), image.disk.with_name("installed.new"))
    machine = Machine(directory / "installing", image, disk)
    try:
        machine.resume(BOOTED)
        machine.monitor(f"delvm {BOOTED}")  # which makes the file smaller, and each copy of it
        node = machine.plug_disk("gateway", tar)
        machine.run(f"tar -C / -xf {node} && sync")
        machine.unplug_disk("gateway")
        machine.run(_INSTALL, seconds=600)
        plug(machine, {"bridge.yaml": _BRIDGE})
        machine.run("sensor-gateway drivers; sync")  # what it reads from the disk stays in memory
        machine.snapshot(INSTALLED)
    finally:
        machine.stop()
    return disk


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
