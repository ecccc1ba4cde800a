"""Counts what a process holds: memory, objects by type, descriptors, threads. And says what grew."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_CONTAINERS = (list, dict, set, deque)
_FEW = 100
"""Objects of one type that may come and go: what is under way at the moment of a count."""


@dataclass(frozen=True, kw_only=True)
class Census:
    """One count. ``objects`` are those that the garbage collector knows, with what lies in containers."""

    rss: int
    objects: tuple[tuple[str, int], ...]
    held: int
    blocks: int
    descriptors: int
    threads: int

    @classmethod
    def take(cls) -> Census:
        gc.collect()
        objects: Counter[str] = Counter()
        untracked: dict[int, int] = {}
        held = 0
        for one in gc.get_objects():
            objects[type(one).__qualname__] += 1
            if isinstance(one, _CONTAINERS):
                held += len(one)
            for inner in gc.get_referents(one):  # the collector does not know a dict of numbers and texts
                if isinstance(inner, _CONTAINERS) and not gc.is_tracked(inner):
                    untracked[id(inner)] = len(inner)
        held += sum(untracked.values())
        return cls(
            rss=int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE,
            objects=tuple(objects.items()),  # what is kept of a count must not be counted by the next one
            held=held,
            blocks=sys.getallocatedblocks(),
            descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 (names, which may be gone in a moment)
            threads=threading.active_count(),
        )

    def grown(self, before: Census, *, rss: int) -> list[str]:
        """What is more than before, by more than may come and go; ``rss`` is how many bytes of memory may be more."""
        were = dict(before.objects)
        found = [f"{now - were.get(name, 0):+} {name}" for name, now in self.objects if now > were.get(name, 0) + _FEW]
        if self.held > before.held + _FEW * 10:
            found.append(f"{self.held - before.held:+} entries in lists, dicts and sets")
        if self.blocks > before.blocks + _FEW * 20:
            found.append(f"{self.blocks - before.blocks:+} blocks of memory")
        if self.rss > before.rss + rss:
            found.append(f"{(self.rss - before.rss) / 1024:+.0f} kB of memory")
        if self.descriptors > before.descriptors:
            found.append(f"{self.descriptors - before.descriptors:+} descriptors")
        if self.threads > before.threads:
            found.append(f"{self.threads - before.threads:+} threads")
        return found
