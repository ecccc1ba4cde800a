"""The checkout as an archive to be unpacked in a guest: its wheel, and what it needs, as this environment has it.

PyYAML is compiled, so the guest has Debian's.
"""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[4]
NEEDED: Final = ("paho-mqtt", "pyserial", "smbus2", "structlog", "tenacity")
GUEST_PYTHON: Final = (3, 11)
BLOCK: Final = 1 << 20

_PROGRAM: Final = """#!/bin/sh
PYTHONPATH=/opt/gateway exec /usr/bin/python3 -s -m sensor_gateway "$@"
"""


def archive(directory: Path) -> Path:
    """A tar file, as long as whole blocks, with opt/gateway and usr/local/bin/sensor-gateway in it."""
    packages, wheels = directory / "packages", directory / "wheels"
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(CHECKOUT)],
        check=True,
    )
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-compile", "--target", str(packages), str(wheel)], check=True)
    for name in NEEDED:
        _copy(name, packages)
    if sys.version_info[:2] == GUEST_PYTHON:  # else the guest compiles at its first start
        compileall.compile_dir(packages, quiet=1, stripdir=str(packages), prependdir="/opt/gateway")
    program = directory / "sensor-gateway"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    made = directory / "gateway.tar"
    with tarfile.open(made, "w") as tar:
        tar.add(packages, "opt/gateway", filter=_of_root)
        tar.add(Path(__file__).parents[1] / "guest", "opt/bridge", filter=_of_root)
        tar.add(program, "usr/local/bin/sensor-gateway", filter=_of_root)
    with made.open("ab") as file:
        file.truncate(-(-made.stat().st_size // BLOCK) * BLOCK)
    return made


def _copy(name: str, target: Path) -> None:
    installed = distribution(name)
    for file in installed.files or ():
        if file.suffix == ".pyc" or file.parts[0] == "..":
            continue
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(installed.locate_file(file)), place)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
