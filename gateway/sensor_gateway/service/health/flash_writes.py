"""How much this process writes to storage, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sensor_gateway.model.vitals.gateway_health import BytesWritten

_IO: Final = Path("/proc/self/io")
_KEY: Final = "write_bytes:"

DAY_S: Final = 86_400
_LEAST_DAY_S: Final = 3600
"""Sooner, the files that a start makes ready would be taken for the wear of a day."""


def bytes_written(file: Path = _IO) -> int | None:
    """Bytes since the process began that went to storage or soon will; None where the kernel does not count.

    ``write_bytes`` of proc(5): whole pages, when they are made dirty. Memory (tmpfs) is not in it, nor is what the
    file system writes for itself.
    """
    try:
        lines = file.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((_number(line) for line in lines if line.startswith(_KEY)), None)


def wear(total: int | None, over_s: int) -> BytesWritten:
    """So many bytes in so many seconds, and what that is in a day; None where it cannot be told."""
    is_told = total is not None and over_s >= _LEAST_DAY_S
    return BytesWritten(total=total, per_day=round((total or 0) / over_s * DAY_S) if is_told else None)


def _number(line: str) -> int | None:
    text = line.removeprefix(_KEY).strip()
    return int(text) if text.isdecimal() else None
