"""Packs named texts into one file: an archive, or one text. Pure: the same parts give the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from typing import Final

_FOLDER: Final = "sensor-gateway-bugreport"


def as_archive(parts: Mapping[str, str], made_s: int) -> bytes:
    """A .tar.gz of one folder; ``made_s`` is the time (seconds since 1970) on every file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in parts.items():
            content = text.encode("utf-8", "backslashreplace")
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), made_s, 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=made_s)


def as_text(parts: Mapping[str, str]) -> str:
    """One part behind the other, each under its name."""
    return "\n".join(f"===== {name} =====\n{text.rstrip()}\n" for name, text in parts.items())
