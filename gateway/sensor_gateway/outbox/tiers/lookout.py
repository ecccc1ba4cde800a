"""Looks now and then whether the files are still there, and has made anew what somebody removed or cut short.

A name that leads nowhere takes no error with it: what is written to an open file that has no name is lost silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.log import Log
from sensor_gateway.outbox.files.disk import CREATE, Disk, gone, is_there, size_there, write_all
from sensor_gateway.outbox.files.hot import HotHeader
from sensor_gateway.outbox.files.locks import DirectoryLock
from sensor_gateway.outbox.files.segment import Segment
from sensor_gateway.outbox.tiers.clearance import CURSOR, between
from sensor_gateway.outbox.tiers.tiers import TierParts

LOOK_EVERY_S: Final = 10.0

Texts = Callable[[], Mapping[Path, bytes]]


class Lookout:
    """Compares what is in the directories with what should be there."""

    def __init__(
        self, parts: TierParts, locks: list[DirectoryLock], wanted: Sequence[Path], texts: Texts, log: Log
    ) -> None:
        """``locks`` are renewed in place, and those ``wanted`` are added; ``texts`` gives the small sealed files.

        There are none where none is kept.
        """
        self._parts = parts
        self._disk: Disk = parts.cold.disk
        self._locks = locks
        self._wanted = wanted
        self._texts = texts
        self._log = log
        self._failures: dict[Path, str] = {}
        self._at_s = 0.0

    def turn(self, header: Callable[[], HotHeader], now_s: float) -> None:
        """Look, if it is time. AlreadyRunning where another process took over a directory that was removed."""
        if now_s < self._at_s:
            return
        self._at_s = now_s + LOOK_EVERY_S
        parts = self._parts
        self._hold_directories()
        if parts.hot is not None:
            parts.hot.look(header, now_s)
        if not parts.can_spill and not parts.cold.shelf.segments:
            return
        try:
            lost = self._lost_segments()
            error = parts.cold.cursor.check() or (gone(lost[0].path) if lost else None)
            self._keep_texts()
            if error is not None:
                parts.retry.failed(CURSOR, error, now_s)
                parts.clearance.sync_cursor()
        except OSError as error:
            parts.retry.failed(CURSOR, error, now_s)

    def _hold_directories(self) -> None:
        """Make those anew that are gone. That it fails is said once, and again when the reason is another."""
        for index, lock in enumerate(self._locks):
            if lock.is_current(self._disk):
                self._failures.pop(lock.directory, None)
                continue
            try:
                self._disk.make_directory(lock.directory)
                self._locks[index] = lock.renewed()
            except OSError as error:
                if self._failures.get(lock.directory) != str(error):
                    self._failures[lock.directory] = str(error)
                    self._log.error("outbox_directory_gone", directory=str(lock.directory), error=str(error))
            else:
                lock.release()
                self._log.error("outbox_directory_gone", directory=str(lock.directory), now="made anew")
        for directory in self._wanted:
            if not any(lock.directory == directory for lock in self._locks):
                self._lock_late(directory)

    def _lock_late(self, directory: Path) -> None:
        """It could not be used at the start, which was said then."""
        try:
            self._disk.make_directory(directory)
            self._locks.append(DirectoryLock(directory))
        except OSError:
            return
        self._log.info("outbox_directory_locked_late", directory=str(directory))

    def _lost_segments(self) -> list[Segment]:
        """Those whose file is gone. What one held is announced in its place; one cut short is not written any more."""
        parts, cold = self._parts, self._parts.cold
        lost: list[Segment] = []
        for segment in [*cold.shelf.segments]:
            if cold.writer.holds(segment) or segment is parts.clearance.dropping:
                continue
            size = size_there(self._disk, segment.path)
            is_gone = size < 0
            if not is_gone and (segment.is_suspect or size >= segment.end):
                continue
            lost.append(segment)
            segment.is_suspect = True
            cold.writer.let_go(segment)
            cold.counters.damaged += 1
            if is_gone:
                parts.clearance.note_drops(*between(cold, segment, GapCause.DAMAGE))
                segment.close(self._disk)
                cold.shelf.segments.remove(segment)
        if lost:
            self._log.error("outbox_segments_gone", segments=[segment.path.name for segment in lost])
        return lost

    def _keep_texts(self) -> None:
        """Write a text anew that is missing or cut short. Until the system wrote it back, a power cut undoes that."""
        for path, data in self._texts().items():
            if is_there(self._disk, path, size=len(data)):
                continue
            self._parts.cold.shelf.held.hold()
            beside = path.with_name(f"{path.name}.new")
            descriptor = self._disk.open(beside, CREATE)
            try:
                write_all(self._disk, descriptor, data, 0)
            finally:
                self._disk.close(descriptor)
            self._disk.replace(beside, path)
            self._log.error("outbox_file_gone", file=str(path), now="written anew")
