"""The cursor of one destination: how far it has acknowledged, and what was dropped behind its back. One small file.

Two slots of 4096 bytes are written in turn, and never the one that is known to be safe, so a torn write leaves the
other: they share no block. Losing both means duplicates, never loss. All numbers are little-endian::

    0   magic "SGC1" | crc32 over all that follows
    8   version u8 (1) | drops u8 | 0 u16
    12  number of the write u64
    20  acknowledged through: epoch ordinal u32, random u32, seq u64
    36  highest generation ever used u64
    44  up to 72 drops of 56 (see notes)
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.drops import DROPS_KEPT, Drop
from sensor_gateway.outbox.files.disk import CREATE, UPDATE, Disk, gone, is_there, read_file, sync_file, write_all
from sensor_gateway.outbox.files.notes import DROP_SIZE, pack_drops, unpack_drops

SLOT_SIZE: Final = 4096
_MAGIC: Final = b"SGC1"
_VERSION: Final = 1
_FIXED: Final = struct.Struct("<BBHQIIQQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorState:
    """What a slot holds."""

    epoch: Epoch
    seq: int
    generation: int
    drops: tuple[Drop, ...] = ()


def encode_slot(state: CursorState, number: int) -> bytes:
    """The bytes of a slot."""
    drops = state.drops[-DROPS_KEPT:]
    epoch = state.epoch
    fields = _FIXED.pack(_VERSION, len(drops), 0, number, epoch.ordinal, epoch.random, state.seq, state.generation)
    content = (fields + pack_drops(drops)).ljust(SLOT_SIZE - 8, b"\0")
    return _MAGIC + zlib.crc32(content).to_bytes(4, "little") + content


def decode_slot(slot: bytes) -> tuple[int, CursorState] | None:
    """The number of the write and what it holds; None for anything that is not a whole slot."""
    if len(slot) != SLOT_SIZE or not slot.startswith(_MAGIC):
        return None
    content = slot[8:]
    if zlib.crc32(content) != int.from_bytes(slot[4:8], "little"):
        return None
    version, count, _, number, ordinal, random, seq, generation = _FIXED.unpack_from(content)
    if version != _VERSION or count > DROPS_KEPT:
        return None
    drops = unpack_drops(content[_FIXED.size : _FIXED.size + count * DROP_SIZE])
    epoch = Epoch(ordinal=ordinal, random=random)
    return number, CursorState(epoch=epoch, seq=seq, generation=generation, drops=drops)


class CursorFile:
    """The file of one destination. ``safe`` is what is known to be on the medium (None: nothing)."""

    def __init__(self, disk: Disk, path: Path) -> None:
        """Nothing is touched before ``load``."""
        self._disk = disk
        self._path = path
        self._descriptor: int | None = None
        self._written: tuple[int, CursorState] | None = None
        self._syncing: tuple[int, CursorState] | None = None
        self._safe: tuple[int, CursorState] | None = None
        self._found = 0
        self._next_number = 1

    def load(self) -> None:
        """Read what is there; a damaged file counts as none. OSError where it is there and cannot be read."""
        try:
            data = read_file(self._disk, self._path, 2 * SLOT_SIZE)
        except FileNotFoundError:
            return
        slots = [slot for at in (0, SLOT_SIZE) if (slot := decode_slot(data[at : at + SLOT_SIZE]))]
        self._written = max(slots, key=lambda slot: slot[0], default=None)
        self._found = self._written[0] if self._written else 0
        self._next_number = self._found + 1
        # A process that was killed may have left it in the kernel's memory only. After an error there a second sync
        # proves nothing, so it is not taken for safe either.
        with suppress(OSError):
            sync_file(self._disk, self._path)

    @property
    def safe(self) -> CursorState | None:
        """What a power cut leaves."""
        return self._safe[1] if self._safe else None

    @property
    def newest(self) -> CursorState | None:
        """What was written last, safe or not."""
        return self._written[1] if self._written else self.safe

    @property
    def is_syncing(self) -> bool:
        """Whether a sync is under way; nothing can be written meanwhile."""
        return self._syncing is not None

    def write(self, state: CursorState) -> None:
        """Write a state into the slot that is not the safe one. OSError where that fails."""
        if self._descriptor is None:
            self._descriptor = self._open()
        number = self._next_number
        standing = self._safe[0] if self._safe else self._found
        if standing and (number - standing) % 2 == 0:
            number += 1
        write_all(self._disk, self._descriptor, encode_slot(state, number), number % 2 * SLOT_SIZE)
        self._written = (number, state)
        self._next_number = number + 1

    def begin_sync(self) -> int:
        """The descriptor to sync; ``end_sync`` must follow."""
        if self._descriptor is None or self._written is None:
            raise ValueError("nothing was written to the cursor")
        self._syncing = self._written
        return self._descriptor

    def end_sync(self, error: OSError | None) -> OSError | None:
        """What was written before ``begin_sync`` is safe, or is not; gives why not."""
        syncing, self._syncing = self._syncing, None
        error = error or self.check()
        if error is None and syncing is not None:
            self._safe = syncing
        return error

    def check(self) -> OSError | None:
        """Whether the file is still there. If not, nothing is safe, and the next write makes it anew."""
        descriptor = self._descriptor
        is_made = descriptor is not None or self._written is not None
        if self.is_syncing or not is_made:
            return None
        if is_there(self._disk, self._path, descriptor=descriptor, size=2 * SLOT_SIZE):
            return None
        self.close()
        self._safe = None
        return gone(self._path)

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            descriptor = self._disk.open(self._path, UPDATE)
        except FileNotFoundError:
            descriptor = self._disk.open(self._path, CREATE)
        try:
            size = len(self._disk.read_at(descriptor, 2 * SLOT_SIZE, 0))
            write_all(self._disk, descriptor, bytes(max(2 * SLOT_SIZE - size, 0)), size)
        except OSError:
            self._disk.close(descriptor)
            raise
        return descriptor
