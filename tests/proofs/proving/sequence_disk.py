"""The real disk without its waiting: directories can be full, read-only or dead, and a process can die in any call."""

from __future__ import annotations

import errno
import os
from enum import Enum
from pathlib import Path

from sensor_gateway.outbox.files.disk import Disk

_WRITING = os.O_WRONLY | os.O_RDWR


class Trouble(Enum):
    """What can be wrong with a directory and all below it."""

    FULL = errno.ENOSPC
    READ_ONLY = errno.EROFS
    DEAD = errno.EIO


class Killed(BaseException):
    """The process ends here. Nothing in it may catch this."""


class TroubledDisk(Disk):
    """The disk of one process. ``troubles`` belongs to the machine; ``dies_in``: at which call the process ends."""

    def __init__(self, troubles: dict[Path, Trouble]) -> None:
        self._troubles = troubles
        self._paths: dict[int, Path] = {}
        self.dies_in: int | None = None

    def abandon(self) -> None:
        """What the kernel does when a process is killed."""
        self.dies_in = None
        for descriptor in [*self._paths]:
            self.close(descriptor)

    def open(self, path: Path, flags: int) -> int:
        if flags & os.O_CREAT:
            self._make(path)
        elif flags & _WRITING:
            self._change(path)
        else:
            self._touch(path)
        descriptor = super().open(path, flags)
        self._paths[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        del self._paths[descriptor]
        super().close(descriptor)

    def write(self, descriptor: int, data: bytes) -> int:
        self._change(self._paths[descriptor], grows=True)
        return super().write(descriptor, data)

    def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        grows = offset + len(data) > os.fstat(descriptor).st_size
        self._change(self._paths[descriptor], grows=grows)
        return super().write_at(descriptor, data, offset)

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        self._touch(self._paths[descriptor])
        return super().read_at(descriptor, count, offset)

    def sync_data(self, descriptor: int) -> None:
        self._change(self._paths[descriptor])

    def sync(self, descriptor: int) -> None:
        self._touch(self._paths[descriptor])

    def replace(self, source: Path, target: Path) -> None:
        self._change(target)
        super().replace(source, target)

    def unlink(self, path: Path) -> None:
        self._change(path)
        super().unlink(path)

    def make_directory(self, path: Path) -> None:
        self._make(path)
        super().make_directory(path)

    def names(self, path: Path) -> list[str]:
        self._touch(path)
        return super().names(path)

    def free_bytes(self, path: Path) -> int:
        return 10**12

    def _trouble(self, path: Path) -> Trouble | None:
        for place, trouble in self._troubles.items():
            if str(path).startswith(str(place)):
                return trouble
        return None

    def _touch(self, path: Path) -> None:
        self._fail_if(path, self._trouble(path) is Trouble.DEAD)

    def _change(self, path: Path, *, grows: bool = False) -> None:
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in <= 0:
                raise Killed
        trouble = self._trouble(path)
        self._fail_if(path, trouble in {Trouble.DEAD, Trouble.READ_ONLY} or (grows and trouble is Trouble.FULL))

    def _make(self, path: Path) -> None:
        if path.is_dir():
            self._touch(path)
        else:
            self._change(path, grows=not path.exists())

    def _fail_if(self, path: Path, fails: bool) -> None:  # noqa: FBT001
        trouble = self._trouble(path)
        if fails and trouble is not None:
            raise OSError(trouble.value, os.strerror(trouble.value), str(path))
