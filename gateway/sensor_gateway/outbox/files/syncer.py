"""Waits for the medium, so that nobody else has to: a worn card answers a sync after half a minute at times.

The thread owns nothing. It is given descriptors, and answers whether they are safe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from sensor_gateway.outbox.files.disk import Disk


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJob:
    """Directories first, then files: a name must be safe before what is written under it."""

    name: str
    directories: tuple[int, ...] = ()
    files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAnswer:
    """What became of a job: ``error`` is None when everything is on the medium."""

    job: SyncJob
    error: OSError | None


class Syncer(Protocol):
    """Takes jobs, and answers each one later, in order. Descriptors must stay open until then."""

    def submit(self, job: SyncJob) -> None:
        """Hand over a job; never blocks."""
        ...

    def answers(self) -> list[SyncAnswer]:
        """What has been answered since the last call; never blocks."""
        ...

    def wait(self, timeout_s: float) -> list[SyncAnswer]:
        """The next answers, waiting for one at most so long. Only for starting and stopping."""
        ...

    def stop(self) -> None:
        """Take no more jobs. A sync that hangs is left alone."""
        ...


def perform(disk: Disk, job: SyncJob) -> SyncAnswer:
    """Do a job, here and now."""
    try:
        for descriptor in job.directories:
            disk.sync(descriptor)
        for descriptor in job.files:
            disk.sync_data(descriptor)
    except OSError as error:
        return SyncAnswer(job=job, error=error)
    return SyncAnswer(job=job, error=None)


class ThreadSyncer:
    """Syncs on a thread of its own, which is started with the first job. ``wake`` is called after each answer."""

    def __init__(self, disk: Disk, wake: Callable[[], None]) -> None:
        """Remember the door to the disk, and whom to wake."""
        self._disk = disk
        self._wake = wake
        self._jobs: SimpleQueue[SyncJob | None] = SimpleQueue()
        self._answers: SimpleQueue[SyncAnswer] = SimpleQueue()
        self._thread: Thread | None = None

    def submit(self, job: SyncJob) -> None:
        """Hand over a job; never blocks."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="syncer", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def answers(self) -> list[SyncAnswer]:
        """What has been answered since the last call."""
        found: list[SyncAnswer] = []
        while not self._answers.empty():
            found.append(self._answers.get_nowait())
        return found

    def wait(self, timeout_s: float) -> list[SyncAnswer]:
        """The next answers, or none after the time given."""
        try:
            first = self._answers.get(timeout=max(timeout_s, 0.0))
        except Empty:
            return []
        return [first, *self.answers()]

    def stop(self) -> None:
        """Let the thread end after what it has to do. A later job starts another one."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._answers.put(perform(self._disk, job))
            self._wake()


class SyncerInPlace:
    """Syncs at once, in the caller's thread: for tests, and for commands that need no patience."""

    def __init__(self, disk: Disk) -> None:
        """Remember the door to the disk."""
        self._disk = disk
        self._answered: deque[SyncAnswer] = deque()

    def submit(self, job: SyncJob) -> None:
        """Do the job now."""
        self._answered.append(perform(self._disk, job))

    def answers(self) -> list[SyncAnswer]:
        """What has been done since the last call."""
        found = list(self._answered)
        self._answered.clear()
        return found

    def wait(self, timeout_s: float) -> list[SyncAnswer]:  # noqa: ARG002 (all is done already)
        """The same as ``answers``."""
        return self.answers()

    def stop(self) -> None:
        """Nothing to end."""
