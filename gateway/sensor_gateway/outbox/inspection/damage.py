"""What can be wrong with a piece of storage, what it costs, and what the daemon does about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.files.record import HEADER_SIZE, MAGIC, header_at

_GENERATION: Final = slice(16, 24)
_COUNT: Final = slice(10, 12)
_LENGTH: Final = slice(12, 16)


class Wrong(StrEnum):
    """What is wrong, in words for people and programs."""

    CHECKSUM = "bad checksum"
    TORN = "torn"
    ZEROED = "zeroed"
    GENERATION = "wrong generation"
    BODY = "a body that is not what its header says"
    HOLE = "missing events"
    MISSING = "missing file"
    UNREADABLE = "not given back by the medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Seqs of one epoch."""

    epoch: Epoch
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One piece. ``events`` is what it costs at most, None where nothing tells; ``lost`` is where these would stand.

    ``is_least``: it costs that much at least, and how many more nobody can tell.
    """

    file: str
    offset: int
    length: int
    wrong: Wrong
    events: int | None
    lost: tuple[Lost, ...] = ()
    then: str
    is_least: bool = False

    @property
    def key(self) -> tuple[str, int, Wrong]:
        """What makes it the same piece at a second look."""
        return self.file, self.offset, self.wrong


THEN_SKIPPED: Final = "it is skipped, kept in quarantine/, and announced as a gap"
THEN_WRITTEN_OVER: Final = "it is written over; what nothing else holds is announced as a gap"
THEN_NEW_EPOCH: Final = "it is skipped and kept in quarantine/, and a new epoch begins"
THEN_ANNOUNCED: Final = "it is announced as a gap"
THEN_LEFT: Final = "it is left alone, and what it held announced as a gap"
THEN_UNKNOWN_END: Final = "the next epoch's first event says that the end of the one before is not known"
THEN_RELEASED: Final = "it is used again, and what it held announced as a gap"
WITHOUT_GAP: Final = {
    THEN_SKIPPED: "it is skipped, and nothing is missing",
    THEN_LEFT: "it is left alone, and nothing is missing",
    THEN_RELEASED: "it is used again, and nothing is missing",
}
"""The same where it costs no event."""


def judge(piece: bytes, *, generation: int, is_last: bool) -> Wrong:
    """What is wrong with bytes where a record should stand. ``is_last``: no valid record follows in this file."""
    if piece.count(0) == len(piece):
        return Wrong.ZEROED
    if not piece.startswith(MAGIC) or len(piece) < HEADER_SIZE:
        return Wrong.TORN if is_last and MAGIC.startswith(piece[: len(MAGIC)]) else Wrong.CHECKSUM
    stated = int.from_bytes(piece[_GENERATION], "little")
    if stated != generation:
        is_whole = header_at(piece, 0, generation=stated) is not None
        return Wrong.GENERATION if is_whole else Wrong.CHECKSUM
    body = piece[HEADER_SIZE : HEADER_SIZE + int.from_bytes(piece[_LENGTH], "little")]
    is_cut = len(body) < int.from_bytes(piece[_LENGTH], "little") or body.endswith(bytes(64))
    return Wrong.TORN if is_last and is_cut else Wrong.CHECKSUM


def claimed(piece: bytes) -> int | None:
    """How many events a damaged record says it holds; None where it does not begin like one."""
    is_like_one = piece.startswith(MAGIC) and len(piece) >= HEADER_SIZE
    return int.from_bytes(piece[_COUNT], "little") if is_like_one else None


def extent(piece: bytes) -> int:
    """How far a damaged record at the end of a file goes, by what it says itself, at most to the end."""
    if not piece.startswith(MAGIC) or len(piece) < HEADER_SIZE:
        return len(piece)
    return min(HEADER_SIZE + int.from_bytes(piece[_LENGTH], "little"), len(piece))
