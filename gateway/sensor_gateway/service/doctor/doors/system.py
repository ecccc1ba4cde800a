"""Asks systemd for the service, reads how the journal is kept, and the versions of what runs."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from sensor_gateway import __version__
from sensor_gateway.service.doctor.judges.system import SystemFacts
from sensor_gateway.service.installation.plan import UNIT

_PROPERTIES: Final = (
    "LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,ExecMainStatus,User,SupplementaryGroups,StatusText"
)
_LIBRARIES: Final = ("paho-mqtt", "pyserial", "PyYAML", "smbus2", "structlog", "tenacity")
_TIMEOUT_S: Final = 5.0
_CONFIGURATIONS: Final = ("usr/lib/systemd", "run/systemd", "etc/systemd")
_MOST_BYTES: Final = 1_000_000


class SystemDoor:
    """This computer's systemd, or a likeness of its files below another root."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Nothing is asked yet."""
        self._root = root

    def look(self) -> SystemFacts:
        """Versions, the unit, the journal."""
        return SystemFacts(versions=versions(), unit=self.unit(), is_journal_kept=self._is_journal_kept())

    def unit(self) -> Mapping[str, str] | None:
        """What ``systemctl show`` says of the service; None where systemd does not run."""
        if not (self._root / "run" / "systemd" / "system").is_dir():
            return None
        told = output_of(["systemctl", "show", UNIT, "--no-pager", f"--property={_PROPERTIES}"])
        if told is None:
            return None
        return dict(line.partition("=")[::2] for line in told.splitlines() if "=" in line)

    def log(self, lines: int) -> str | None:
        """The last lines that the service logged; None where the journal does not give them."""
        return output_of(["journalctl", "--unit", UNIT, "--lines", str(lines), "--no-pager", "--output", "short-iso"])

    def _is_journal_kept(self) -> bool | None:
        """journald.conf(5): ``auto``, the default, keeps it where /var/log/journal is; the last setting counts."""
        if not (self._root / "run" / "systemd" / "system").is_dir():
            return None
        storage = "auto"
        for file in self._journal_settings():
            for line in _text(file).splitlines():
                key, _, value = line.partition("=")
                storage = value.strip() if key.strip() == "Storage" else storage
        if storage == "auto":
            return (self._root / "var" / "log" / "journal").is_dir()
        return storage == "persistent"

    def _journal_settings(self) -> Sequence[Path]:
        """The file itself, then the drop-ins of all three places by name."""
        main = [self._root / place / "journald.conf" for place in _CONFIGURATIONS]
        parts = [file for place in _CONFIGURATIONS for file in (self._root / place / "journald.conf.d").glob("*.conf")]
        by_name = {file.name: file for file in parts}  # of one name, the one in /etc hides the others
        return [*main, *(by_name[name] for name in sorted(by_name))]


def versions() -> Mapping[str, str]:
    """Of the gateway, Python, the kernel, and the libraries."""
    found = {"sensor-gateway": __version__, "Python": platform.python_version(), "Linux": platform.release()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def output_of(command: Sequence[str]) -> str | None:
    """What a program of the system prints; None where it is missing, fails, or takes too long."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - fixed commands of the system
            [program, *command[1:]], capture_output=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout[-_MOST_BYTES:].decode("utf-8", "replace") if ended.returncode == 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
