"""Wheels: fetched by hash, built from this checkout, and opened. Knows pip, and nothing of Debian."""  # noqa: INP001

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PIP: Final = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
_KEPT: Final = ("METADATA", "entry_points.txt")
"""What of a .dist-info finds drivers and versions; the rest is of the installer, or wrong once files are left out."""


class NotBuilt(Exception):
    """Why there is no package, and what to do."""


def locked(names: Sequence[str], lock: str) -> str:
    """The lines of a lock file for these distributions, with their hashes. NotBuilt for one that is not locked."""
    found = []
    for name in names:
        pinned = re.search(rf"^{re.escape(name)}==\S+(?: \\\n +--hash=sha256:[0-9a-f]{{64}})+", lock, re.MULTILINE)
        if pinned is None:
            raise NotBuilt(f"{name} is not pinned by hash in the lock file; ./dev lock makes it anew")
        found.append(pinned[0])
    return "\n".join(found) + "\n"


def fetch(requirements: str, directory: Path) -> list[Path]:
    """The wheels of pinned requirements, each one checked against its hash."""
    directory.mkdir(parents=True)
    file = directory / "requirements.txt"
    file.write_text(requirements, "utf-8")
    _pip("download", "--require-hashes", "--no-deps", "--only-binary=:all:", "--dest", directory, "--requirement", file)
    wheels = sorted(directory.glob("*.whl"))
    compiled = [wheel.name for wheel in wheels if not wheel.stem.endswith("-none-any")]
    if compiled:
        raise NotBuilt(f"not for every architecture: {', '.join(compiled)}")
    return wheels


def build_own(checkout: Path, directory: Path) -> Path:
    """The wheel of this checkout. The build backend has to be installed."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", directory, checkout)
    (wheel,) = directory.glob("*.whl")
    return wheel


def opened(wheel: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What a wheel puts on the path, by its place there, and the licence files that are in it, by name."""
    modules, licences = {}, {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top, _, inner = name.partition("/")
            if name.endswith("/") or top.endswith(".data"):
                continue  # scripts: we have one of our own
            if not top.endswith(".dist-info") or inner in _KEPT:
                modules[name] = archive.read(name)
            elif inner.startswith("licenses/"):
                licences[inner.removeprefix("licenses/")] = archive.read(name)
    return modules, licences


def _pip(*arguments: object) -> None:
    subprocess.run([*_PIP, *map(str, arguments)], check=True)  # noqa: S603 - our own arguments
