"""A disk that is only looked at: with it, the daemon's own recovery can be asked what it would find."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from sensor_gateway.outbox.files.disk import Disk

_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class LookingDisk(Disk):
    """Reads as ever. Files cannot be opened for writing (EROFS); names stay as they are, without a word."""

    def node(self, path: Path) -> str:  # noqa: ARG002 (as the disk has it)
        """Whoever looks at a copy wants to see what it is a copy of."""
        return ""

    def open(self, path: Path, flags: int) -> int:
        """Open a file for reading; OSError for anything else."""
        if flags & _WRITES:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return super().open(path, flags)

    def sync_data(self, descriptor: int) -> None:
        """Nothing was written, and a slow card is not waited for."""

    def sync(self, descriptor: int) -> None:
        """The same."""

    def replace(self, source: Path, target: Path) -> None:
        """Leave both."""

    def unlink(self, path: Path) -> None:
        """Leave it."""

    def make_directory(self, path: Path) -> None:
        """Make none."""


class Unheard:
    """A Log that keeps nothing: what is found is told in another way."""

    def debug(self, event: str, /, **facts: object) -> None:
        """Nothing."""

    def info(self, event: str, /, **facts: object) -> None:
        """Nothing."""

    def warning(self, event: str, /, **facts: object) -> None:
        """Nothing."""

    def error(self, event: str, /, **facts: object) -> None:
        """Nothing."""
