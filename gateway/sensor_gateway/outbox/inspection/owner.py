"""Who owns an outbox's directory, and what the system tells of that process. Taken from /proc; no lock is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.outbox.files.locks import holder_in

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """``is_there`` is None where the system does not say; ``pid`` where it says so, but not who it is."""

    is_there: bool | None
    pid: int | None = None


def owner_of(directory: Path, *, proc: Path = _PROC) -> Owner:
    """The process that holds a directory's lock. OSError where the directory is not there."""
    status = directory.stat()
    try:
        locks = (proc / "locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return Owner(is_there=None)
    pid = holder_in(locks, status.st_dev, status.st_ino)
    place = f" {os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino} "
    is_there = any("FLOCK" in line and place in line and " -> " not in line for line in locks.splitlines())
    return Owner(is_there=is_there, pid=pid)


def runtime_directory_of(pid: int, *, proc: Path = _PROC) -> Path | None:
    """The runtime directory that systemd gave a process; None where there is none, or we may not know."""
    try:
        environ = (proc / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    found = [line[18:] for line in environ.split(b"\0") if line.startswith(b"RUNTIME_DIRECTORY=")]
    first = os.fsdecode(found[0]).partition(":")[0] if found else ""
    return Path(first) if first else None
