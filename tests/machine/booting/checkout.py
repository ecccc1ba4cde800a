"""This checkout, installed on a machine's disk as a package would install it."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
_LIBRARIES: Final = ("paho-mqtt", "pyserial", "smbus2", "structlog", "tenacity")
_PLACE: Final = "usr/lib/sensor-gateway"

_PROGRAM: Final = f"""\
#!/bin/sh
exec /usr/bin/python3 -sP -c 'import sys; sys.path.insert(1, "/{_PLACE}")
sys.argv[0] = "/usr/bin/sensor-gateway"
from sensor_gateway.cli.main import main; sys.exit(main())' "$@"
"""


def install_checkout(root: Path) -> None:
    """The program, its libraries as this interpreter has them, and the files of systemd; an empty configuration folder.

    Nothing is enabled or started, and there is no configuration file: ``systemd-sysusers``, ``daemon-reload`` and the
    rest are the machine's to run.
    """
    place = root / _PLACE
    place.mkdir(parents=True)
    for package in (ROOT / "gateway" / "sensor_gateway", ROOT / "drivers" / "sensor_drivers"):
        shutil.copytree(package, place / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _LIBRARIES:
        _copy_library(name, place)
    _copy_metadata("sensor-gateway", place)
    program = root / "usr/bin/sensor-gateway"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    for source, target in (
        ("sensor-gateway.service", "usr/lib/systemd/system/sensor-gateway.service"),
        ("sensor-gateway.sysusers", "usr/lib/sysusers.d/sensor-gateway.conf"),
        ("sensor-gateway.tmpfiles", "usr/lib/tmpfiles.d/sensor-gateway.conf"),
        ("60-sensor-gateway.rules", "usr/lib/udev/rules.d/60-sensor-gateway.rules"),
    ):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "systemd" / source, root / target)


def _copy_library(name: str, place: Path) -> None:
    files = distribution(name).files or ()
    for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
        source = Path(str(distribution(name).locate_file(top)))
        if source.is_dir():
            shutil.copytree(source, place / top, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copyfile(source, place / top)


def _copy_metadata(name: str, place: Path) -> None:
    """What tells the version and the entry points, by which drivers are found."""
    files = distribution(name).files or ()
    folder = next(file.parts[0] for file in files if file.parts[0].endswith(".dist-info"))
    shutil.copytree(Path(str(distribution(name).locate_file(folder))), place / folder)
