"""The file that keeps, for the newest boots, how their clocks were set: one line each, closed by a checksum.

::

    1b4e28ba 1767225600000 93120 1c9e3a07

Boot, what to add to its milliseconds since boot to get the time, the last of these milliseconds at which the clock was
not set yet, CRC-32 of the line before it. While the clock is not set, ``-`` stands for both numbers. A later line of
a boot replaces an earlier one; a line that was torn is none.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.outbox.files.disk import APPEND, Disk, append_all, read_file, write_atomically
from sensor_gateway.outbox.files.syncer import SyncAnswer, Syncer, SyncJob

CLOCKS: Final = "clocks"
MOST_BOOTS: Final = 32
"""Events of older boots than these have long reached ``max_age``, or stay as they were stamped."""

_LARGEST: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClock:
    """Of one boot: the time is ``uptime_ms + offset_ms``. Known from ``since_ms`` of its uptime on."""

    offset_ms: int
    since_ms: int


def line_of(boot: str, clock: KnownClock | None) -> bytes:
    """A line of the file; None for a boot whose clock is not set yet."""
    text = f"{boot} - -" if clock is None else f"{boot} {clock.offset_ms} {clock.since_ms}"
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def parse(data: bytes) -> dict[str, KnownClock | None]:
    """What the lines say, oldest boot first, at most the newest ``MOST_BOOTS``."""
    found: dict[str, KnownClock | None] = {}
    for line in data.decode("ascii", errors="replace").split("\n")[:-1]:
        text, _, crc = line.rpartition(" ")
        words = text.split(" ")
        if len(words) != 3 or crc != f"{zlib.crc32(text.encode()):08x}":
            continue
        boot, offset, since = words
        found.pop(boot, None)
        found[boot] = None if offset == "-" else KnownClock(offset_ms=int(offset), since_ms=int(since))
    return dict(list(found.items())[-MOST_BOOTS:])


class ClockFile:
    """Keeps the lines. ``begin`` waits for the medium; ``add`` leaves that to the syncer."""

    def __init__(self, disk: Disk, directory: Path, syncer: Syncer) -> None:
        """The file of this directory; nothing is touched yet."""
        self._disk = disk
        self._path = directory / CLOCKS
        self._syncer = syncer
        self._descriptors: list[int] = []

    def read(self) -> dict[str, KnownClock | None]:
        """What is kept; nothing where there is no file, or it cannot be read."""
        try:
            return parse(read_file(self._disk, self._path, _LARGEST))
        except OSError:
            return {}

    def write(self, clocks: Mapping[str, KnownClock | None]) -> None:
        """Replace the file, and wait until it is safe. OSError."""
        newest = list(clocks.items())[-MOST_BOOTS:]
        write_atomically(self._disk, self._path, b"".join(line_of(boot, clock) for boot, clock in newest))

    def add(self, boot: str, clock: KnownClock | None) -> None:
        """Add a line; it is safe once the syncer has answered. OSError."""
        descriptor = self._disk.open(self._path, APPEND)
        try:
            append_all(self._disk, descriptor, line_of(boot, clock))
        except OSError:
            self._disk.close(descriptor)
            raise
        self._descriptors.append(descriptor)
        self._syncer.submit(SyncJob(name=CLOCKS, files=(descriptor,)))

    def settle(self, answer: SyncAnswer) -> None:
        """The syncer has done with the descriptor. An error is one of the medium, which others report."""
        for descriptor in answer.job.files:
            if descriptor in self._descriptors:
                self._descriptors.remove(descriptor)
                with suppress(OSError):
                    self._disk.close(descriptor)

    def close(self) -> None:
        """Let all descriptors go, whatever the syncer has done with them."""
        while self._descriptors:
            with suppress(OSError):
                self._disk.close(self._descriptors.pop())
