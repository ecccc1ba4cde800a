"""One owner per directory: a lock that ends with its process, and the name of whoever holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.outbox.files.disk import Disk, is_there

_PROC_LOCKS: Final = Path("/proc/locks")


class AlreadyRunning(OperatorError):
    """Another instance owns the directory. ``holder`` is its process id where that can be known."""

    def __init__(self, directory: Path, holder: int | None) -> None:
        """Name the directory, and the process that holds it."""
        self.directory = directory
        self.holder = holder
        who = "another instance" if holder is None else f"process {holder}"
        super().__init__(f"{directory} is in use by {who}: stop that one first, or give this one its own directories")


class DirectoryLock:
    """Holds a directory for this process, by ``descriptor``. It is locked itself, so nothing has to be written."""

    descriptor = -1

    def __init__(self, directory: Path) -> None:
        """Take the lock; AlreadyRunning where somebody has it, OSError where the directory cannot be opened."""
        self.directory = directory
        self.descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            status = os.fstat(self.descriptor)
            os.close(self.descriptor)
            raise AlreadyRunning(directory, _holder(status)) from None
        except OSError:
            os.close(self.descriptor)
            raise

    def is_current(self, disk: Disk) -> bool:
        """Whether the directory is still there under its name."""
        return is_there(disk, self.directory, descriptor=self.descriptor)

    def renewed(self) -> DirectoryLock:
        """A lock on what stands under that name now. AlreadyRunning and OSError as above."""
        return type(self)(self.directory)

    def release(self) -> None:
        """Let others have it."""
        os.close(self.descriptor)


def holder_in(locks: str, device: int, inode: int) -> int | None:
    """Find in the text of /proc/locks who holds a flock on a file; None where it does not tell."""
    wanted = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    for line in locks.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[5] == wanted and words[4].isdecimal():
            return int(words[4]) or None
    return None


def _holder(status: os.stat_result) -> int | None:
    try:
        return holder_in(_PROC_LOCKS.read_text(encoding="ascii", errors="replace"), status.st_dev, status.st_ino)
    except OSError:
        return None
