"""Reads what this computer tells of its clock, its disk and its cards, below a root that tests may choose."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sensor_gateway.service.doctor.judges.clock import ClockFacts
from sensor_gateway.service.doctor.judges.disk import CardFacts, DiskFacts
from sensor_gateway.service.time_sources.finding import TimeSource

_SECTOR: Final = 512
"""What /sys/block/*/stat counts in, whatever the device's own sectors (Documentation/block/stat.rst)."""

_SECTORS_WRITTEN: Final = 6
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


class MachineDoor:
    """This computer, or a likeness of it below another root."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Nothing is read yet."""
        self._root = root

    def clock(self, source: TimeSource, *, may_guess: bool) -> ClockFacts:
        """The wall clock, and what ``source`` says of it."""
        wall_ms = time.time_ns() // 1_000_000
        found = source.look(wall_ms)
        return ClockFacts(
            wall_ms=wall_ms,
            is_set=found.is_set,
            why=found.why,
            may_guess=may_guess,
            has_rtc=(self._root / "dev" / "rtc0").exists(),
        )

    def disk(self, directory: Path) -> DiskFacts | None:
        """The file system under a directory, which need not be there yet; None where it cannot be looked at."""
        place = next((one for one in (directory, *directory.parents) if _is_there(one)), None)
        if place is None:
            return None
        try:
            known = os.statvfs(place)
        except OSError:
            return None
        mount, kind, options = self._mount_of(place.resolve())
        return DiskFacts(
            directory=directory,
            mount=mount,
            kind=kind,
            options=options | ({"ro"} if known.f_flag & os.ST_RDONLY else frozenset()),
            free=known.f_bavail * known.f_frsize,
            inodes=known.f_files,
            free_inodes=known.f_favail,
        )

    def cards(self) -> Iterator[CardFacts]:
        """Every card and eMMC of this computer."""
        uptime_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        for block in sorted((self._root / "sys" / "block").glob("mmcblk[0-9]")):
            life = [int(word, 16) for word in _text(block / "device" / "life_time").split() if _is_hex(word)]
            pre_eol = _text(block / "device" / "pre_eol_info").strip()
            columns = _text(block / "stat").split()
            yield CardFacts(
                name=block.name,
                life=max(life, default=0) or None,
                pre_eol=int(pre_eol, 16) if _is_hex(pre_eol) else None,
                written=int(columns[_SECTORS_WRITTEN]) * _SECTOR if len(columns) > _SECTORS_WRITTEN else 0,
                uptime_s=uptime_s,
            )

    def _mount_of(self, place: Path) -> tuple[str, str, frozenset[str]]:
        """Where it is mounted, as what, and how: the longest mount point that the path lies under, the last of it."""
        found = ("/", "unknown", frozenset[str]())
        for line in _text(self._root / "proc" / "self" / "mounts").splitlines():
            words = line.split()
            if len(words) < 4:
                continue
            mount = _OCTAL.sub(lambda code: chr(int(code[1], 8)), words[1])
            if place.is_relative_to(mount) and len(mount) >= len(found[0]):
                found = (mount, words[2], frozenset(words[3].split(",")))
        return found


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_hex(word: str) -> bool:
    return re.fullmatch(r"0x[0-9a-fA-F]{1,4}", word) is not None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
