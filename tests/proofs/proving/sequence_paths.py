"""Which sequences of actions are tried: all of them to a depth, those that once mattered, and long ones by chance."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from proving.sequence_actions import ACTIONS, perform
from proving.sequence_world import World, predictable

Breaking: TypeAlias = Callable[[pytest.MonkeyPatch], None]
PREFIX = ("start", "append")
NAMES = tuple(ACTIONS)
_MEMORY = Path("/dev/shm")  # noqa: S108 (thousands of small directories, each made for one sequence)

SUSPECTS: dict[str, tuple[str, ...]] = {
    "two power cuts": ("cut power", "start", "append", "cut power", "start", "append"),
    "hot is full, then not": ("hot full", "append", "kill", "hot mended"),
    "nothing can be written": ("flash read-only", "hot read-only", "append", "append", "kill", "all mended"),
    "memory only, once": ("kill", "start in memory only", "append", "kill"),
    "no hot directory, once": ("kill", "start without hot directory", "append", "kill"),
    "unknown boots": (
        "kill",
        "hide boot id",
        "start",
        "append",
        "append",
        "reboot that keeps hot, boot id unknown",
        "start",
        "append",
    ),
    "killed, and hot torn": ("kill", "hot torn"),
    "everything is deleted under two that run": (
        "cut power",
        "start",
        "append",
        "state directory deleted",
        "hot directory deleted",
        "second instance",
        "append",
        "append",
        "append",
        "drain",
        "wait",
        "others die",
        "second instance",
        "append",
    ),
    "everything is deleted under one that has just looked": (
        "cut power",
        "start",
        "append",
        "drain",
        "state directory deleted",
        "hot directory deleted",
        "second instance",
        "append",
        "append",
        "append",
        "drain",
        "others die",
        "second instance",
        "append",
    ),
    "a second one": ("second instance", "append", "second instance"),
    "a neighbour in between": ("kill", "neighbour with the same hot", "others die", "start", "append"),
    "there and back again": ("downgrade", "start", "append", "kill", "upgrade", "start", "append"),
    "into other hardware and back": (
        "other hardware, same memory",
        "start",
        "append",
        "kill",
        "other hardware, same memory",
    ),
    "an old card": ("card copied", "kill", "start", "append", "old copy put back", "start", "append"),
    "offline, and everything goes": ("wait", "append", "epoch deleted", "hot deleted", "cursor-mqtt emptied", "kill"),
    "acknowledged, and hot emptied": ("drain", "append", "drain", "hot emptied", "kill"),
}


@contextmanager
def open_world(monkeypatch: pytest.MonkeyPatch, seed: int) -> Iterator[World]:
    """A world whose chance comes from a seed; nothing of it is left afterwards."""
    predictable(monkeypatch, seed)
    root = Path(tempfile.mkdtemp(prefix="sequence-", dir=_MEMORY if _MEMORY.is_dir() else None))
    world = World(root, seed)
    try:
        yield world
    finally:
        world.end()
        shutil.rmtree(root)


def run(monkeypatch: pytest.MonkeyPatch, names: Sequence[str], breaking: Breaking | None = None) -> bool:
    """Do these in a new world and settle it; False where the last one of them can do nothing there. Broken."""
    with open_world(monkeypatch, seed=1) as world, monkeypatch.context() as patched:
        if breaking is not None:
            breaking(patched)
        for name in names:
            if not perform(world, name) and name == names[-1]:
                return False
        world.settle()
    return True


def run_by_chance(monkeypatch: pytest.MonkeyPatch, seed: int, most: int = 25) -> tuple[str, ...]:
    """A long sequence drawn from a seed; gives what was done. Broken, with the sequence as a note."""
    chance = random.Random(seed)
    done: list[str] = []
    with open_world(monkeypatch, seed) as world:
        try:
            for _ in range(chance.randint(5, most)):
                done.append(_next_name(world, chance))
                _may_die(world, chance)
                if not perform(world, done[-1]):
                    done.pop()
                world.home.disk.dies_in = None
            world.settle()
        except AssertionError as broken:
            broken.add_note(f"seed {seed}: {done}")
            raise
    return tuple(done)


def every_path(first: str, depth: int, reaches: Callable[[tuple[str, ...]], bool]) -> Iterator[tuple[str, ...]]:
    """All sequences of at most ``depth`` actions that begin with one; not further where it can do nothing."""
    paths = [(first,)]
    while paths:
        path = paths.pop()
        if reaches(path):
            yield path
            if len(path) < depth:
                paths += [(*path, name) for name in reversed(NAMES)]


def _next_name(world: World, chance: random.Random) -> str:
    if world.home.box is None and chance.random() < 0.5:
        return "start"
    return "append" if chance.random() < 0.25 else chance.choice(NAMES)


def _may_die(world: World, chance: random.Random) -> None:
    """Now and then the process ends within a call."""
    if chance.random() < 0.1:
        world.home.disk.dies_in = chance.randint(1, 30)
        world.must_go_on, world.must_know = False, None
