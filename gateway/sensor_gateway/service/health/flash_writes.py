"""How much this process writes to storage, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_IO: Final = Path("/proc/self/io")
_KEY: Final = "write_bytes:"


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


def _number(line: str) -> int | None:
    text = line.removeprefix(_KEY).strip()
    return int(text) if text.isdecimal() else None
