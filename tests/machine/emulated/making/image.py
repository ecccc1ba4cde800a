"""The disk of the machine: a Debian with its standard kernel, built once and kept outside the repository.

Needs root, mmdebstrap, mke2fs and a Debian mirror when it is built, and none of them afterwards. What it is made from
is in its name, so that a change makes a new one; old ones may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emulated.making.initramfs import MODULES, initramfs

SUITE: Final = "bookworm"
PACKAGES: Final = (
    "busybox-static", "dbus", "i2c-tools", "kmod", "linux-image-amd64", "procps", "python3", "python3-yaml", "systemd",
    "systemd-sysv", "udev",
)  # fmt: skip
SIZE: Final = "3G"
AGENT: Final = Path(__file__).parents[1] / "guest" / "agent.py"

_UNIT: Final = """[Unit]
Description=Takes commands from the host
After=basic.target
[Service]
ExecStart=/usr/bin/python3 /opt/agent.py
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
OOMScoreAdjust=-1000
[Install]
WantedBy=multi-user.target
"""
_NETWORK: Final = """[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
"""
_IDLE: Final = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
    "systemd-tmpfiles-clean.timer",
)  # fmt: skip
"""What would wake up and write by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a machine starts from. ``disk`` is never written to."""

    kernel: Path
    initrd: Path
    disk: Path


def cache_directory() -> Path:
    """Where images are kept: $SENSOR_GATEWAY_MACHINE_CACHE, or a directory in the user's cache."""
    named = os.environ.get("SENSOR_GATEWAY_MACHINE_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(home) / "sensor-gateway-machine"


def image() -> Image:
    """The image of this checkout; built where there is none (minutes)."""
    recipe = repr((SUITE, PACKAGES, SIZE, _UNIT, _NETWORK, _IDLE, MODULES)) + AGENT.read_text()
    directory = cache_directory() / f"vm-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with locked(cache_directory() / "vm.lock"):
        if not directory.exists():
            _build(directory)
    return Image(kernel=directory / "vmlinuz", initrd=directory / "initrd", disk=directory / "disk.img")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(directory: Path) -> None:
    made, root = directory.with_suffix(".new"), directory.with_suffix(".root")
    for old in (made, root):
        shutil.rmtree(old, ignore_errors=True)
    made.mkdir(parents=True)
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--aptopt=Acquire::Languages none",
         "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
         "--dpkgopt=path-exclude=/usr/share/locale/*", f"--include={','.join(PACKAGES)}", SUITE, str(root)],
        check=True,
    )  # fmt: skip
    _furnish(root)
    (kernel,) = root.glob("boot/vmlinuz-*")
    shutil.copy(kernel, made / "vmlinuz")
    (made / "initrd").write_bytes(initramfs(root))
    for unneeded in (
        *root.glob("boot/initrd*"),
        *root.glob("var/cache/apt/*.bin"),
        *root.glob("var/lib/apt/lists/*_*"),
    ):
        unneeded.unlink()
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(made / "disk.img"), SIZE], check=True)
    shutil.rmtree(root)
    made.rename(directory)


def _furnish(root: Path) -> None:
    """Agent, network, and nothing that wakes up by itself."""
    shutil.copy(AGENT, root / "opt/agent.py")
    units = root / "etc/systemd/system"
    (units / "agent.service").write_text(_UNIT)
    (root / "etc/systemd/network/wired.network").write_text(_NETWORK)
    (root / "etc/hostname").write_text("machine\n")
    (root / "etc/fstab").write_text("/dev/vda / ext4 noatime 0 1\n")
    chroot = ["systemctl", f"--root={root}"]
    subprocess.run([*chroot, "-q", "enable", "agent.service", "systemd-networkd.service"], check=True)
    subprocess.run([*chroot, "-q", "mask", *_IDLE, "systemd-networkd-wait-online.service"], check=True)
