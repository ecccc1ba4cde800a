"""One consistent look at an outbox, whether a daemon owns it or not: what its next start would find.

The daemon's own recovery does the looking, on a disk that cannot be written, so that both always see the same. Files
that change meanwhile are looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from sensor_gateway.model.position import Position
from sensor_gateway.outbox.drops import Drops
from sensor_gateway.outbox.files.cold_reader import ColdReader
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.hot import NAME, HotContents, read_hot
from sensor_gateway.outbox.files.loaded import CURSOR_NAME
from sensor_gateway.outbox.files.shelf import Shelf
from sensor_gateway.outbox.identity import EPOCH, IDENTITY, Machine, is_newer
from sensor_gateway.outbox.inspection.looking import LookingDisk, Unheard
from sensor_gateway.outbox.inspection.owner import Owner, owner_of
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.reader import Reader
from sensor_gateway.outbox.recovery import DIRECTORY_NAMES, Places, Recovered, Recovery
from sensor_gateway.outbox.settings import OutboxSettings

_TRIES: Final = 10
_NOBODY: Final = Machine(boot_id="", hardware_id="")

Traces: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What to look at: the directories, and the limits as the configuration has them, or the usual ones.

    ``is_without_hot``: the gateway is known to have no hot directory, so nothing waits in memory alone, unless
    ``is_process_alone``: then what waits is in the process, where nobody can look. ``is_configured``: whether the
    limits are those of a configuration.
    """

    places: Places
    settings: OutboxSettings
    is_configured: bool = True
    is_without_hot: bool = False
    is_process_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """``failure``: flash could not be read. ``is_newer``: a newer version's directory stands beside the one used."""

    inspected: Inspected
    disk: Disk
    directory: Path
    hot_path: Path | None
    hot: HotContents
    hot_failure: OSError | None
    shelf: Shelf
    recovered: Recovered
    owner: Owner
    failure: OSError | None
    has_cursor: bool
    is_newer: bool
    traces: Traces

    @property
    def gone(self) -> Position:
        """Through where nothing waits: what is acknowledged, and what an operator discarded."""
        marks = self.recovered.marks
        return self.recovered.drops.through(marks.epoch, marks.seq)

    @property
    def is_still_so(self) -> bool:
        """Whether nothing was freed, acknowledged on flash, or rewritten since."""
        return _traces(self.directory, self.hot_path) == self.traces

    def reader(self, marks: Marks) -> Reader:
        """Reads as the daemon would, behind these marks."""
        cold = ColdReader(self.disk, self.shelf, _unreported)
        return Reader(cold=cold, tail=self.recovered.tail, marks=marks, drops=Drops(self.recovered.drops))


def holds_an_outbox(state_directory: Path) -> bool:
    """Whether there is something to look at. OSError where that cannot be known."""
    files = (IDENTITY, EPOCH, CURSOR_NAME)
    return any((state_directory / name / file).exists() for name in DIRECTORY_NAMES for file in files)


def holds_a_hot_journal(hot_directory: Path) -> bool:
    """Whether there is one. PermissionError where that cannot be known."""
    return (hot_directory / NAME).exists()


def take_snapshot(inspected: Inspected) -> Snapshot:
    """Look, and look again while something changes under it. PermissionError where we may not look."""
    snapshot = _look(inspected)
    for _ in range(_TRIES):
        if snapshot.is_still_so and not isinstance(snapshot.failure, FileNotFoundError):
            break
        snapshot = _look(inspected)
    for failure in (snapshot.failure, snapshot.hot_failure):
        if isinstance(failure, PermissionError):
            raise failure
    return snapshot


def _look(inspected: Inspected) -> Snapshot:
    disk, places = LookingDisk(), inspected.places
    directory, hot_path = places.usable(disk, Unheard())
    owner = owner_of(places.state_directory)
    traces = _traces(directory, hot_path)
    hot, hot_failure = HotContents(), None
    try:
        if hot_path is not None:
            hot = read_hot(disk, hot_path)
    except OSError as error:
        hot_failure = error
    recovery = Recovery(disk, directory, hot, inspected.settings, Unheard())
    return Snapshot(
        inspected=inspected,
        disk=disk,
        directory=directory,
        hot_path=hot_path,
        hot=hot,
        hot_failure=hot_failure,
        shelf=recovery.shelf,
        recovered=recovery.decide(_NOBODY),
        owner=owner,
        failure=recovery.failure,
        has_cursor=recovery.cursor.newest is not None,
        is_newer=is_newer(disk, places.state_directory / DIRECTORY_NAMES[0]),
        traces=traces,
    )


def _traces(directory: Path, hot_path: Path | None) -> Traces:
    """What differs once a segment came or went, the cursor was written, or the hot journal replaced."""
    try:
        names = tuple(sorted(path.name for path in directory.iterdir() if path.suffix == ".seg"))
    except OSError:
        names = ()
    return (*names, _trace(directory / CURSOR_NAME), None if hot_path is None else _trace(hot_path)[:1])


def _trace(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns


def _unreported(generation: int, place: int, data: bytes) -> None:
    """Damage is told by the check, which reads everything."""
