"""Trees of Debian releases to boot from: made once, kept outside of the repository.

They lie below $SENSOR_GATEWAY_MACHINE_CACHE, by default ~/.cache/sensor-gateway-machine: a folder for each release and
recipe. Nobody writes into a tree that is finished: a ``Machine`` lays its own changes over it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

RELEASES: Final = {"bookworm": 252, "trixie": 257}
"""The releases of Raspberry Pi OS, and the version of systemd that each has."""

PACKAGES: Final = (
    "systemd", "systemd-sysv", "dbus", "udev", "procps", "init-system-helpers",
    "python3", "python3-yaml", "mosquitto", "mosquitto-clients",
)  # fmt: skip
"""What a fresh Raspberry Pi OS has of what we depend on, and a broker to deliver to."""

MIRROR: Final = "http://deb.debian.org/debian"


def cache() -> Path:
    """The folder of the trees."""
    named = os.environ.get("SENSOR_GATEWAY_MACHINE_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "sensor-gateway-machine"


def tree(release: str) -> Path:
    """The tree of that release; it is made where it is missing, which takes about a minute and the network."""
    recipe = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    finished = cache() / f"{release}-{recipe}"
    finished.parent.mkdir(parents=True, exist_ok=True)
    with (finished.parent / "being-made").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two test runs at once make it once
        if not finished.exists():
            _make(release, finished)
    return finished


def _make(release: str, finished: Path) -> None:
    unfinished = finished.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [
        "mmdebstrap", "--quiet", "--format=directory", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        '--customize-hook=chroot "$1" systemctl disable mosquitto.service',
        release, str(unfinished), MIRROR,
    ]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise AssertionError(f"mmdebstrap made no {release}: {made.stderr[-2000:]}")
    unfinished.rename(finished)
