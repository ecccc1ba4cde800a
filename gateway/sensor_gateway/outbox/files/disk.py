"""The one door to the file system: each call of a running outbox passes here, so that tests can make any of them fail.

Only the locks on the directories are taken beside it, as they belong to the process and not to the files. It knows
nothing of events. Errors are the system's own (OSError); whoever calls decides what they mean.
"""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

READ = os.O_RDONLY | os.O_CLOEXEC
UPDATE = os.O_RDWR | os.O_CLOEXEC
CREATE_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
CREATE = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
CREATE_APPEND = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Disk:
    """The system's calls, one to one. A test's subclass fails on command."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file; new ones can be read by the group."""
        return os.open(path, flags, 0o640)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def write(self, descriptor: int, data: bytes) -> int:
        """Write at the end or the present place; gives how much was taken, which may be less."""
        return os.write(descriptor, data)

    def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        """Write in a place; gives how much was taken, which may be less."""
        return os.pwrite(descriptor, data, offset)

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        """Read from a place, up to ``count``."""
        return os.pread(descriptor, count, offset)

    def sync_data(self, descriptor: int) -> None:
        """Wait until the file's data is on the medium."""
        os.fdatasync(descriptor)

    def sync(self, descriptor: int) -> None:
        """Wait until a directory's names, or a file with all its attributes, are on the medium."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, over an existing file too."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a name; that it is not there is fine."""
        path.unlink(missing_ok=True)

    def make_directory(self, path: Path) -> None:
        """Make the directory and those above it, where missing."""
        path.mkdir(parents=True, exist_ok=True)

    def names(self, path: Path) -> list[str]:
        """What is in a directory, sorted."""
        return sorted(os.listdir(path))  # noqa: PTH208 (names alone are wanted)

    def stat(self, path: Path) -> os.stat_result:
        """What is known of the file that a name leads to."""
        return path.stat()

    def node(self, path: Path) -> str:
        """Which file or directory a name leads to: a copy is another one. Empty where there is none."""
        try:
            return str(self.stat(path).st_ino)
        except OSError:
            return ""

    def stat_open(self, descriptor: int) -> os.stat_result:
        """What is known of an open file."""
        return os.fstat(descriptor)

    def free_bytes(self, path: Path) -> int:
        """How much an ordinary user may still write on this file system."""
        room = os.statvfs(path)
        return room.f_bavail * room.f_frsize


def is_there(disk: Disk, path: Path, *, descriptor: int | None = None, size: int = 0) -> bool:
    """Whether a name leads to a file of at least this size, to this one if it is open; True where nobody can tell."""
    return size_there(disk, path, descriptor=descriptor) >= size


def size_there(disk: Disk, path: Path, *, descriptor: int | None = None) -> float:
    """The size of the file that a name leads to, and of no other if it is open.

    -1 where there is none, and infinite where nobody can tell.
    """
    try:
        found = disk.stat(path)
        own = found if descriptor is None else disk.stat_open(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    except OSError:
        return math.inf
    return found.st_size if (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino) else -1


def gone(path: Path) -> OSError:
    """What happened to a file that is not there."""
    return FileNotFoundError(errno.ENOENT, "somebody removed it, or cut it short", str(path))


def write_all(disk: Disk, descriptor: int, data: bytes, offset: int) -> None:
    """Write everything in a place, however short each single write comes."""
    left = memoryview(data)
    while left:
        taken = disk.write_at(descriptor, left, offset)
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        offset += taken
        left = left[taken:]


def append_all(disk: Disk, descriptor: int, data: bytes) -> None:
    """Write everything at the end, however short each single write comes."""
    while data:
        taken = disk.write(descriptor, data)
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[taken:]


def read_file(disk: Disk, path: Path, limit: int) -> bytes:
    """Read a file from its beginning, up to ``limit`` bytes."""
    descriptor = disk.open(path, READ)
    try:
        chunks: list[bytes] = []
        taken = 0
        while taken < limit and (chunk := disk.read_at(descriptor, min(limit - taken, 1 << 20), taken)):
            chunks.append(chunk)
            taken += len(chunk)
        return b"".join(chunks)
    finally:
        disk.close(descriptor)


def write_atomically(disk: Disk, path: Path, data: bytes) -> None:
    """Replace a file so that a power cut leaves the old one or the new one, whole, and wait until it is safe."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = disk.open(beside, CREATE)
    try:
        write_all(disk, descriptor, data, 0)
        disk.sync_data(descriptor)
    finally:
        disk.close(descriptor)
    disk.replace(beside, path)
    sync_directory(disk, path.parent)


def sync_file(disk: Disk, path: Path) -> None:
    """Wait until a file that is not open is safe, as whoever wrote it left it."""
    descriptor = disk.open(path, READ)
    try:
        disk.sync_data(descriptor)
    finally:
        disk.close(descriptor)


def sync_directory(disk: Disk, path: Path) -> None:
    """Wait until the names in a directory are safe."""
    descriptor = disk.open(path, DIRECTORY)
    try:
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
