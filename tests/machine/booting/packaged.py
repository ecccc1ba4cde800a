"""The Debian package of this checkout, put onto a machine by apt as an operator does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from booting.machine import Machine

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The package of this checkout, and the same under a later version."""

    old: Path
    new: Path


def build(directory: Path, version: str, *, seconds: int | None = None) -> Path:
    """The package, under a version of the test's own. ``seconds`` since 1970 are its date, by default the commit's."""
    environ = os.environ if seconds is None else {**os.environ, "SOURCE_DATE_EPOCH": str(seconds)}
    command = [sys.executable, ROOT / "packaging" / "build_deb.py", "--output", directory, "--version", version]
    built = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert built.returncode == 0, built.stdout + built.stderr
    return directory / f"sensor-gateway_{version}_all.deb"


def install(machine: Machine, package: Path) -> str:
    """``apt-get install ./PACKAGE``, to an older version too; what apt said."""
    shutil.copyfile(package, machine.root / "root" / package.name)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "--allow-downgrades", f"/root/{package.name}"]
    done = machine.run("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *command)
    return done.stdout + done.stderr


def installed_version(machine: Machine) -> str:
    """What dpkg says; empty where the package is not installed."""
    found = machine.run(
        "dpkg-query", "--show", "--showformat=${db:Status-Abbrev} ${Version}", "sensor-gateway", check=False
    )
    status, _, version = found.stdout.partition("  ")
    return version if status == "ii" else ""
