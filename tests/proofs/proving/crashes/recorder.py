"""The disk and the card under a recorded outbox: real files without waiting, and a medium that answers as it likes."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

from proving.crashes.recording import Recording
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncAnswer, SyncJob


class Killed(BaseException):
    """The process ends here. Nothing in it may catch this."""


class RecordingDisk(Disk):
    """Does what it is asked below ``root``, and writes it down. ``dies_in``: at which call the process ends."""

    def node(self, path: Path) -> str:
        """Each crash state is laid out anew, and stands for the directory as the crash left it."""
        return ""

    def __init__(self, root: Path, recording: Recording) -> None:
        self._root = f"{root}/"
        self.recording = recording
        self.syncs = True
        self.dies_in: int | None = None
        self._open: dict[int, int | str] = {}
        self._ends: dict[int, int] = {}

    def abandon(self) -> None:
        """What the kernel does when a process is killed."""
        for descriptor in [*self._open]:
            self.close(descriptor)

    def what(self, descriptor: int) -> int | str:
        """The inode or the directory behind a descriptor."""
        return self._open[descriptor]

    def open(self, path: Path, flags: int) -> int:
        name = self._name(path)
        if flags & os.O_CREAT:
            self._live()
        descriptor = super().open(path, flags)
        if flags & os.O_DIRECTORY:
            self._open[descriptor] = name
            return descriptor
        inode = self.recording.names.get(name)
        if inode is None:
            inode = self.recording.create(name)
            self._ends[inode] = 0
        elif flags & os.O_TRUNC:
            self.recording.truncate(inode)
            self._ends[inode] = 0
        self._open[descriptor] = inode
        return descriptor

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]
        super().close(descriptor)

    def write(self, descriptor: int, data: bytes) -> int:
        """Only files that were begun empty are appended to. A process that dies here had written half of it."""
        inode = self._inode(descriptor)
        if self.dies_in == 0:
            data = data[: len(data) // 2]
        taken = super().write(descriptor, data)
        self.recording.write(inode, self._ends[inode], bytes(data[:taken]))
        self._ends[inode] += taken
        self._live()
        return taken

    def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        inode = self._inode(descriptor)
        self._live()
        taken = super().write_at(descriptor, data, offset)
        self.recording.write(inode, offset, bytes(data[:taken]))
        return taken

    def sync_data(self, descriptor: int) -> None:
        self._live()
        self.note_sync(self._open[descriptor], len(self.recording.operations))

    sync = sync_data

    def note_sync(self, what: int | str, through: int) -> None:
        """The medium has it all, or only says so."""
        if self.syncs:
            self.recording.synced(what, through)

    def replace(self, source: Path, target: Path) -> None:
        self._live()
        super().replace(source, target)
        self.recording.rename(self._name(source), self._name(target))

    def unlink(self, path: Path) -> None:
        self._live()
        super().unlink(path)
        self.recording.unlink(self._name(path))

    def make_directory(self, path: Path) -> None:
        if path.is_dir():
            return
        self._live()
        super().make_directory(path)
        self.recording.make_directory(self._name(path))

    def free_bytes(self, path: Path) -> int:
        return 10**12

    def _live(self) -> None:
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                raise Killed

    def _name(self, path: Path) -> str:
        return str(path).removeprefix(self._root)

    def _inode(self, descriptor: int) -> int:
        inode = self._open[descriptor]
        assert isinstance(inode, int)
        return inode


class Card:
    """A Syncer in the mood that it is told: ``prompt``, ``slow`` (a turn later), ``stuck`` (not before it is freed).

    ``errors``: so many of the next jobs fail. A sync covers what was written before it was asked for, not more.
    """

    def __init__(self, disk: RecordingDisk, chance: random.Random, on_error: Callable[[], None]) -> None:
        self._on_error = on_error
        self._disk = disk
        self._chance = chance
        self._waiting: list[tuple[SyncJob, int, list[int | str], list[int | str]]] = []
        self._answers: list[tuple[SyncAnswer, list[tuple[int, int]]]] = []
        self._lost: list[tuple[int, int]] = []
        self.mood = "prompt"
        self.errors = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is waited for."""
        return not self._waiting and not self._answers

    def submit(self, job: SyncJob) -> None:
        directories = [self._disk.what(descriptor) for descriptor in job.directories]
        files = [self._disk.what(descriptor) for descriptor in job.files]
        self._waiting.append((job, len(self._disk.recording.operations), directories, files))
        if self.mood == "prompt":
            self._settle()

    def answers(self) -> list[SyncAnswer]:
        if self.mood == "prompt":
            self._settle()
        heard, self._answers = self._answers, []
        for _, lost in heard:
            self._lost += lost
        if any(answer.error for answer, _ in heard):
            self._on_error()
        if self.mood == "slow" and self._chance.random() < 0.6:
            self._settle()
        return [answer for answer, _ in heard]

    def note_failures(self) -> None:
        """A failed sync counts once the process has heard of it, and has done what it could at once."""
        for file, through in self._lost:
            self._disk.recording.sync_failed(file, through)
        self._lost = []

    def wait(self, timeout_s: float) -> list[SyncAnswer]:
        if self.mood != "stuck":
            self._settle()
        return self.answers()

    def stop(self) -> None:
        pass

    def free(self) -> None:
        """Everything that waits is answered now, and so is what comes."""
        self.mood = "prompt"
        self._settle()

    def _settle(self) -> None:
        for job, through, directories, files in self._waiting:
            error, lost = self._done(through, directories, files)
            self._answers.append((SyncAnswer(job=job, error=error), lost))
        self._waiting = []

    def _done(
        self, through: int, directories: list[int | str], files: list[int | str]
    ) -> tuple[OSError | None, list[tuple[int, int]]]:
        """The error, and what was lost to it."""
        error = OSError(errno.EIO, os.strerror(errno.EIO)) if self.errors else None
        if error is not None:
            self.errors -= 1
            if directories and self._chance.random() < 0.5:
                return error, []
        for directory in directories:
            self._disk.note_sync(directory, through)
        if error is not None:
            return error, [(file, through) for file in files if isinstance(file, int)]
        for file in files:
            self._disk.note_sync(file, through)
        return None, []
