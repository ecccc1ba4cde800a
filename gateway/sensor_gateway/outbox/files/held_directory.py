"""The directory of segments, held open so that the names in it can be synced, and made anew where it is gone."""

from __future__ import annotations

from pathlib import Path

from sensor_gateway.outbox.files.disk import DIRECTORY, Disk, is_there
from sensor_gateway.outbox.files.syncer import SyncAnswer


class HeldDirectory:
    """One directory and, until its own name in there is known to be safe, the one it is in."""

    def __init__(self, disk: Disk, path: Path) -> None:
        """Nothing is touched before ``hold``."""
        self._disk = disk
        self._path = path
        self._own: int | None = None
        self._above: int | None = None
        self._opened: list[int] = []

    def hold(self) -> tuple[int, ...]:
        """Open it, made anew if it is not there, and give what is synced to make a name in it safe. OSError.

        Nobody else knows whether its own name was ever synced, so the first time the directory above is among it.
        """
        own = self._own
        if own is None or not is_there(self._disk, self._path, descriptor=own):
            self._disk.make_directory(self._path)
            self._above, own = self._both()
            self._own = own
        return (own,) if self._above is None else (self._above, own)

    def settle(self, answer: SyncAnswer) -> None:
        """The syncer's answer about a job that may have had the directory above."""
        if answer.error is None and self._above in answer.job.directories:
            self._above = None

    def close(self) -> None:
        """Let all descriptors go."""
        while self._opened:
            self._disk.close(self._opened.pop())
        self._own = self._above = None

    def _both(self) -> tuple[int, int]:
        above = self._disk.open(self._path.parent, DIRECTORY)
        try:
            own = self._disk.open(self._path, DIRECTORY)
        except OSError:
            self._disk.close(above)
            raise
        # Those opened before may still be with the syncer.
        self._opened += above, own
        return above, own
