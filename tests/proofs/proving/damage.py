"""The files of a gateway that was killed, damaged one way after the other, and what a start makes of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from proving.disks import Bench, PromptDisk
from sensor_gateway.model.position import Position
from sensor_gateway.outbox.files import hot

Damage: TypeAlias = Callable[[bytearray], None]
"""Changes the content of a file."""


@dataclass
class Remains:
    """What lay on disk and in memory at a kill, and what had been given out by then."""

    bench: Bench
    files: dict[Path, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, bench: Bench) -> Remains:
        bench.kill()
        roots = [bench.state, *([bench.hot] if bench.hot else [])]
        files = {path: path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}
        return cls(bench, files)

    def path(self, pattern: str, place: int = 0) -> Path:
        """A file by its name; ``place`` counts them in order."""
        return sorted(path for path in self.files if path.match(pattern))[place]

    def start_with(self, damaged: Path, damage: Damage, *, is_cut: bool) -> Bench:
        """Lay the files out, damage one, start, go on, and take everything; gives the bench of this life."""
        bench = self.bench
        for root in (bench.state, bench.hot):
            if root is not None:
                shutil.rmtree(root, ignore_errors=True)
        for path, data in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            content = bytearray(data)
            if path == damaged:
                damage(content)
            path.write_bytes(content)
        life = Bench(bench.state, bench.hot, disk=PromptDisk(), settings=bench.settings, clock=bench.clock)
        life.given_out, life.said, life.boots = dict(bench.given_out), bench.said, bench.boots
        life.given_at = dict(bench.given_at)
        if is_cut:
            life.cut()
        try:
            life.open()
            life.say(2)
            life.drain()
        finally:
            life.kill()
        return life


def used(data: bytes) -> int:
    """How far a segment was written."""
    return len(data.rstrip(b"\0"))


def truncations(offsets: Iterable[int]) -> Iterator[tuple[str, Damage]]:
    """The file ends there."""
    for offset in offsets:

        def cut(data: bytearray, offset: int = offset) -> None:
            del data[offset:]

        yield f"cut off at {offset}", cut


def flips(places: Iterable[int]) -> Iterator[tuple[str, Damage]]:
    """One bit of each of these bytes, another one each time."""
    for place in places:

        def flip(data: bytearray, place: int = place) -> None:
            data[place] ^= 1 << (place % 8)

        yield f"a bit flipped at {place}", flip


def zeroed_pages(pages: Iterable[int]) -> Iterator[tuple[str, Damage]]:
    """Blocks that the medium gives back as zeros."""
    for page in pages:

        def wipe(data: bytearray, page: int = page) -> None:
            data[page * 4096 : (page + 1) * 4096] = bytes(4096)

        yield f"page {page} zeroed", wipe


def looks_whole(data: bytes) -> bool:
    """Whether a journal cut off there is one that stood there before: nothing in it tells that more was given out."""
    return hot.decode(data).next_seq is not None


def lost(life: Bench) -> set[Position]:
    """What did not come, announced or not."""
    return {position for position in life.given_out if position not in life.got}


def faults(life: Bench, *, most_lost: int | None = None) -> list[str]:
    """What is wrong: other contents, more lost than was touched, or a hole that neither is announced nor at an end."""
    found = [*life.faults]
    known = life.announced | life.got.keys()
    for position in life.missing():
        behind = [other for other in known if other.epoch == position.epoch and other > position]
        if behind:
            found.append(f"{position} is missing, and something behind it is not")
            break
    if most_lost is not None and len(lost(life)) > most_lost:
        found.append(f"{len(lost(life))} were lost")
    return found
