"""Where things are kept: the state directory (survives a reboot) and the hot directory (survives the process)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.outbox.files.disk import Disk, read_file, sync_directory, write_atomically
from sensor_gateway.outbox.identity import is_newer
from sensor_gateway.outbox.recovery import DIRECTORY_NAMES

HOT_NOTE: Final = "hot-directory"
"""In the outbox's directory: one line, the absolute path of the hot directory in use, or that there is none."""

_NONE: Final = b"none"
_PROCESS: Final = b"the process"
_LONGEST_NOTE: Final = 4098


@dataclass(frozen=True, slots=True, kw_only=True)
class Directories:
    """``hot`` is None where no directory is known to outlive the process."""

    state: Path
    hot: Path | None


def find_directories(environ: Mapping[str, str], *, state: Path | None, hot: Path | None) -> Directories:
    """What the command line or the file names, else what systemd gives, else the XDG state home.

    The runtime directory that a login session has is no hot directory: it does not outlive the session.
    """
    given_state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    given_hot = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if state is None:
        home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/var/lib")) / ".local" / "state")
        state = Path(given_state) if given_state else Path(home) / "sensor-gateway"
    if hot is None and given_hot:
        hot = Path(given_hot)
    return Directories(state=state, hot=hot)


def make_lasting(directory: Path) -> None:
    """Make a directory and those above it where missing; the names that are new outlive a power cut. OSError."""
    disk = Disk()
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    disk.make_directory(directory)
    for place in reversed(missing):
        with suppress(PermissionError):  # who may make names above need not be allowed to read them
            sync_directory(disk, place.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class HotNote:
    """Which hot directory a gateway used last; None where it had none, and all that waited was on flash.

    ``is_process_alone``: it had none, and what waited was in the process (``durability: memory``).
    """

    directory: Path | None
    is_process_alone: bool = False


def note_hot(directories: Directories, log: Log, *, has_journal: bool) -> None:
    """Keep which hot directory is used, for whoever looks at the outbox from outside; written where it differs.

    Not ``has_journal``: what waits is in the process alone, where nobody can look.
    """
    hot, disk = directories.hot, Disk()
    place = (_NONE if hot is None else os.fsencode(hot.absolute())) if has_journal else _PROCESS
    file = _note(disk, directories.state)
    try:
        if _read(disk, file) != place + b"\n":
            write_atomically(disk, file, place + b"\n")
    except OSError as error:
        log.warning("hot_directory_not_noted", file=str(file), error=str(error))


def noted_hot(state: Path) -> HotNote | None:
    """What ``note_hot`` kept; None where nothing is known. PermissionError where we may not look."""
    disk = Disk()
    place = _read(disk, _note(disk, state)).removesuffix(b"\n")
    if place in {_NONE, _PROCESS}:
        return HotNote(directory=None, is_process_alone=place == _PROCESS)
    return HotNote(directory=Path(os.fsdecode(place))) if place.startswith(b"/") else None


def _note(disk: Disk, state: Path) -> Path:
    own, beside = (state / name for name in DIRECTORY_NAMES)
    return (beside if is_newer(disk, own) else own) / HOT_NOTE


def _read(disk: Disk, file: Path) -> bytes:
    try:
        return read_file(disk, file, _LONGEST_NOTE)
    except PermissionError:
        raise
    except OSError:
        return b""
