"""Who holds a device: what /proc/locks tells of the flock on a node, in words for the operator."""

from __future__ import annotations

import os
from pathlib import Path


def holder_of(node: Path, proc: Path = Path("/proc")) -> str:
    """``process 1234 (minicom)``; ``another process`` where the system does not tell."""
    return known_holder(node, proc) or "another process"


def known_holder(node: Path, proc: Path = Path("/proc")) -> str:
    """``process 1234 (minicom)``; empty where the system tells of none."""
    try:
        file = node.stat()
        locks = (proc / "locks").read_text("ascii", "replace")
    except OSError:
        return ""
    pid = pid_of(locks, file.st_dev, file.st_ino)
    if pid is None:
        return ""
    if pid == os.getpid():
        return "this process itself"
    try:
        command = (proc / str(pid) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({command})"


def pid_of(locks: str, device: int, inode: int) -> int | None:
    """The process that holds a flock on that file, by the text of /proc/locks (see proc(5)); None if none does."""
    place = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    for line in locks.splitlines():
        words = line.split()
        # A process that only waits for the lock is marked by an arrow; it holds nothing.
        if len(words) >= 6 and words[1] == "FLOCK" and words[5] == place and words[4].isdecimal() and words[4] != "0":
            return int(words[4])
    return None
