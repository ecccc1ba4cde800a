"""Keeps copies of bytes that could not be understood, for a person to look at. Bounded, and never in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sensor_gateway.outbox.files.disk import CREATE, Disk, write_all

PIECE_LIMIT: Final = 64 * 1024
TOTAL_LIMIT: Final = 1024 * 1024
PIECES_KNOWN: Final = 1024
"""Beyond that all are forgotten: a piece that is met again counts as new then, and is not written twice."""


class Quarantine:
    """A directory of damaged pieces, each kept once."""

    def __init__(self, disk: Disk, directory: Path) -> None:
        """Nothing is touched before there is damage."""
        self._disk = disk
        self._directory = directory
        self._seen: set[tuple[str, int]] = set()

    def keep(self, origin: str, place: int, data: bytes) -> bool:
        """Keep a piece, if it is new and there is room; whether it is new. A piece of zeros only is not kept."""
        if (origin, place) in self._seen:
            return False
        if len(self._seen) >= PIECES_KNOWN:
            self._seen.clear()
        self._seen.add((origin, place))
        if data.count(0) < len(data):
            try:
                self._write(self._directory / f"{origin}-{place}.bin", data[:PIECE_LIMIT])
            except OSError:
                return True
        return True

    def _write(self, path: Path, data: bytes) -> None:
        self._disk.make_directory(self._directory)
        names = self._disk.names(self._directory)
        if path.name in names or (len(names) + 1) * PIECE_LIMIT > TOTAL_LIMIT:
            return
        descriptor = self._disk.open(path, CREATE)
        try:
            write_all(self._disk, descriptor, data, 0)
        finally:
            self._disk.close(descriptor)
