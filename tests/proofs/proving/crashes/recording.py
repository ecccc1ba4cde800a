"""What was asked of the medium, call by call, and from it what a crash between or within two calls can leave."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

SECTOR = 512
FLASH = "state"
HOT = "hot"


@dataclass(slots=True, kw_only=True)
class Image:
    """Directories and the bytes of files, by their paths below the root."""

    directories: set[str] = field(default_factory=lambda: {FLASH, HOT})
    files: dict[str, bytes] = field(default_factory=dict)

    def build(self, root: Path) -> None:
        """Put it on a file system, in an empty place."""
        for directory in sorted(self.directories):
            (root / directory).mkdir(parents=True)
        for name, data in self.files.items():
            with open(root / name, "wb", buffering=0) as file:  # noqa: PTH123 (twice as fast, ten times for each state)
                file.write(data)


@dataclass(slots=True)
class Create:
    path: str
    inode: int


@dataclass(slots=True)
class MakeDirectory:
    path: str


@dataclass(slots=True)
class Rename:
    source: str
    target: str


@dataclass(slots=True)
class Unlink:
    path: str


@dataclass(slots=True)
class Write:
    inode: int
    offset: int
    data: bytes


@dataclass(slots=True)
class Truncate:
    inode: int


@dataclass(slots=True)
class Synced:
    """``what`` is an inode or a directory's path; all asked before operation ``through`` is on the medium."""

    what: int | str
    through: int


@dataclass(slots=True)
class SyncFailed:
    """The kernel gave up what was written through there, and takes those pages for clean from now on."""

    what: int
    through: int


Operation: TypeAlias = Create | MakeDirectory | Rename | Unlink | Write | Truncate | Synced | SyncFailed
Naming: TypeAlias = Create | MakeDirectory | Rename | Unlink


class Recording:
    """Everything since a moment at which all of ``base`` was on the medium. A cut k leaves ``operations[:k]``."""

    def __init__(self, base: Image) -> None:
        self.base = base
        self.names = {path: number for number, path in enumerate(base.files)}
        self._base_names = dict(self.names)
        self._base_data = dict(enumerate(base.files.values()))
        self.operations: list[Operation] = []
        self._events: list[int] = []
        self._inodes = len(self.names)
        self._naming: list[tuple[int, Naming]] = []
        self._data: dict[int, list[tuple[int, Write | Truncate]]] = {number: [] for number in self._base_data}
        self._syncs: dict[int | str, list[tuple[int, int]]] = {}
        self._lost: dict[int, int] = {}

    def create(self, path: str) -> int:
        inode, self._inodes = self._inodes, self._inodes + 1
        self.names[path] = inode
        self._data[inode] = []
        self._name(Create(path, inode))
        return inode

    def truncate(self, inode: int) -> None:
        self._data[inode].append((self._add(operation := Truncate(inode)), operation))

    def write(self, inode: int, offset: int, data: bytes) -> None:
        self._data[inode].append((self._add(operation := Write(inode, offset, data)), operation))

    def rename(self, source: str, target: str) -> None:
        self.names[target] = self.names.pop(source)
        self._name(Rename(source, target))

    def unlink(self, path: str) -> None:
        if self.names.pop(path, None) is not None:
            self._name(Unlink(path))

    def make_directory(self, path: str) -> None:
        self._name(MakeDirectory(path))

    def synced(self, what: int | str, through: int) -> None:
        at = self._add(Synced(what, through))
        self._syncs.setdefault(what, []).append((at, through))

    def sync_failed(self, what: int, through: int) -> None:
        at = self._add(SyncFailed(what, through))
        since = self._synced_through(what, at)
        for number, _ in self._data[what]:
            if since <= number < through:
                self._lost.setdefault(number, at)

    def pick_cut(self, chance: random.Random) -> int:
        """A place for a crash: any, or one beside something that happened to names or was synced on flash."""
        if not self._events or chance.random() < 0.5:
            return chance.randint(0, len(self.operations))
        return chance.choice(self._events) + chance.randint(0, 1)

    def kill(self, cut: int, chance: random.Random) -> Image:
        """What kill -9 leaves: all of it, and perhaps the beginning of a write that was under way.

        Pages that were given up after a failed sync may have left the memory of the kernel, or not.
        """
        names, directories = self._named(number for number in range(cut))
        is_evicted = chance.random() < 0.5
        data: dict[int, bytearray] = {}
        for inode in set(names.values()):
            content = data[inode] = bytearray(self._base_data.get(inode, b""))
            for number, operation in self._data[inode]:
                if number >= cut:
                    break
                if not (is_evicted and self._lost.get(number, cut) < cut):
                    _apply(content, operation)
        under_way = self.operations[cut] if cut < len(self.operations) else None
        if isinstance(under_way, Write) and under_way.inode in data and chance.random() < 0.5:
            taken = chance.randrange(len(under_way.data))
            _apply(data[under_way.inode], Write(under_way.inode, under_way.offset, under_way.data[:taken]))
        return Image(directories=directories, files={path: bytes(data[inode]) for path, inode in names.items()})

    def cut_power(self, cut: int, chance: random.Random, *, strict: bool) -> Image:
        """What a power cut leaves: nothing of what is in memory, and of the unsynced what the medium pleases.

        ``strict``: each directory is for itself, and a name in it counts only once that directory was synced.
        Otherwise all names are in one journal, which each sync of any file brings to the medium.
        """
        names, directories = self._named(self._names_kept(cut, chance, strict=strict))
        names = {path: inode for path, inode in names.items() if path.startswith(FLASH)}
        mood = chance.random()
        data: dict[int, bytes] = {}
        for inode in sorted(set(names.values())):
            content = bytearray(self._base_data.get(inode, b""))
            through = self._synced_through(inode, cut)
            for number, operation in self._data[inode]:
                if number >= cut:
                    break
                if number < through and self._lost.get(number, cut) >= cut:
                    _apply(content, operation)
                elif number < through or self._lost.get(number, cut) >= cut:
                    _keep_some(content, operation, chance, mood)
                elif chance.random() < 0.1:
                    _keep_some(content, operation, chance, 0.5)
            data[inode] = bytes(content)
        files = {path: data[inode] for path, inode in names.items()}
        return Image(directories=directories, files=files)

    def _names_kept(self, cut: int, chance: random.Random, *, strict: bool) -> Iterator[int]:
        """The naming operations that are on the medium, or happen to be."""
        flash = [(number, directory) for number, directory in self._places() if number < cut]
        if not strict:
            through = max((self._synced_through(what, cut) for what in self._syncs), default=0)
            later = sum(number >= through for number, _ in flash)
            kept = len(flash) - later + chance.randint(0, later)
            yield from [number for number, _ in flash[:kept]]
            return
        extra: dict[str, int] = {}
        for number, directory in flash:
            if number >= self._synced_through(directory, cut):
                if directory not in extra:
                    extra[directory] = 0 if chance.random() < 0.5 else chance.randint(0, 8)
                extra[directory] -= 1
                if extra[directory] < 0:
                    continue
            yield number

    def _places(self) -> Iterator[tuple[int, str]]:
        for number, operation in self._naming:
            path = operation.source if isinstance(operation, Rename) else operation.path
            if path.startswith(FLASH):
                yield number, path.rpartition("/")[0]

    def _named(self, kept: Iterator[int]) -> tuple[dict[str, int], set[str]]:
        chosen = set(kept)
        directories = set(self.base.directories)
        names = dict(self._base_names)
        for number, operation in self._naming:
            if number not in chosen:
                continue
            if isinstance(operation, MakeDirectory):
                directories.add(operation.path)
            elif isinstance(operation, Create):
                names[operation.path] = operation.inode
            elif isinstance(operation, Unlink):
                names.pop(operation.path, None)
            elif operation.source in names:
                names[operation.target] = names.pop(operation.source)
        standing = {path for path in directories if _is_reachable(path, directories)}
        reachable = {path: inode for path, inode in names.items() if path.rpartition("/")[0] in standing}
        return reachable, standing

    def _synced_through(self, what: int | str, cut: int) -> int:
        """All before this operation is on the medium: the highest promise given before the cut."""
        syncs = self._syncs.get(what, [])
        return max((through for _, through in syncs[: bisect_left(syncs, (cut, -1))]), default=0)

    def _add(self, operation: Operation) -> int:
        if isinstance(operation, Synced) or getattr(operation, "path", getattr(operation, "source", HOT))[:5] == FLASH:
            self._events.append(len(self.operations))
        self.operations.append(operation)
        return len(self.operations) - 1

    def _name(self, operation: Naming) -> None:
        self._naming.append((self._add(operation), operation))


def _is_reachable(path: str, directories: set[str]) -> bool:
    parent = path.rpartition("/")[0]
    return not parent or (parent in directories and _is_reachable(parent, directories))


def _apply(content: bytearray, operation: Write | Truncate) -> None:
    if isinstance(operation, Truncate):
        content.clear()
        return
    end = operation.offset + len(operation.data)
    if len(content) < operation.offset:
        content.extend(bytes(operation.offset - len(content)))
    content[operation.offset : end] = operation.data


def _keep_some(content: bytearray, operation: Write | Truncate, chance: random.Random, mood: float) -> None:
    """An unsynced write is there, or not, or some of its sectors are. At times the medium kept all, or nothing."""
    luck = 0.9 if mood < 0.1 else 0.1 if mood > 0.9 else chance.random()
    if luck < 0.5:
        _apply(content, operation)
    elif luck < 0.75 or isinstance(operation, Truncate):
        return
    else:
        _tear(content, operation, chance)


def _tear(content: bytearray, operation: Write, chance: random.Random) -> None:
    end = operation.offset + len(operation.data)
    at = operation.offset
    while at < end:
        until = min(end, at - at % SECTOR + SECTOR)
        if chance.random() < 0.5:
            piece = operation.data[at - operation.offset : until - operation.offset]
            _apply(content, Write(operation.inode, at, piece))
        at = until
    if len(content) < end and chance.random() < 0.5:
        content.extend(bytes(end - len(content)))
