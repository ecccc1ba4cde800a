"""What the hot journal notes beside events, in records without any: acknowledgements and drops.

All numbers are little-endian. A note of acknowledgements (flag MARK) says that everything through the epoch and first
seq of its header is acknowledged, and above it the ranges of its body, of 24 each::

    0   epoch ordinal u32, random u32, first seq u64, last seq u64

A note of drops (flag DROPS) has them in its body, as the cursor on flash has them too, of 56 each::

    0   epoch ordinal u32, random u32, first seq u64, last seq u64, events u64
    32  from and to wall clock time i64
    48  cause u8 (0 unknown 1 limit 2 age 3 damage 4 quarantine 5 memory 6 purge), 7 x 0
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.record import DROPS, MARK, Header, body_of, frame_note

_RANGE: Final = struct.Struct("<IIQQ")
_DROP: Final = struct.Struct("<IIQQQqqB7x")
DROP_SIZE: Final = _DROP.size
_CAUSES: Final = (
    GapCause.UNKNOWN,
    GapCause.LIMIT,
    GapCause.AGE,
    GapCause.DAMAGE,
    GapCause.QUARANTINE,
    GapCause.MEMORY,
    GapCause.PURGE,
)


def frame_mark(epoch: Epoch, seq: int, ranges: Sequence[tuple[Epoch, int, int]]) -> bytes:
    """The bytes of a record of acknowledgements."""
    body = b"".join(_RANGE.pack(above.ordinal, above.random, first, last) for above, first, last in ranges)
    return frame_note(MARK, body, epoch, seq)


def frame_drops(drops: Sequence[Drop]) -> bytes:
    """The bytes of a record of drops; none where there are none."""
    return frame_note(DROPS, pack_drops(drops), drops[0].epoch, drops[0].first) if drops else b""


def ranges_of(header: Header, data: bytes, at: int) -> tuple[tuple[Epoch, int, int], ...]:
    """The acknowledged ranges in a record of acknowledgements."""
    body = body_of(header, data, at)
    whole = body[: len(body) - len(body) % _RANGE.size]
    return tuple(
        (Epoch(ordinal=ordinal, random=random), first, last)
        for ordinal, random, first, last in _RANGE.iter_unpack(whole)
    )


def drops_of(header: Header, data: bytes, at: int) -> tuple[Drop, ...]:
    """What a record of drops says."""
    return unpack_drops(body_of(header, data, at))


def pack_drops(drops: Iterable[Drop]) -> bytes:
    """Drops, one behind the other."""
    return b"".join(
        _DROP.pack(
            drop.epoch.ordinal,
            drop.epoch.random,
            drop.first,
            drop.last,
            drop.count,
            drop.from_ms,
            drop.to_ms,
            _CAUSES.index(drop.cause),
        )
        for drop in drops
    )


def unpack_drops(data: bytes) -> tuple[Drop, ...]:
    """The drops in these bytes; what is left over at the end is not one. A cause not known here is ``unknown``."""
    whole = data[: len(data) - len(data) % DROP_SIZE]
    return tuple(
        Drop(
            epoch=Epoch(ordinal=ordinal, random=random),
            first=first,
            last=last,
            count=count,
            cause=_CAUSES[cause] if cause < len(_CAUSES) else GapCause.UNKNOWN,
            from_ms=from_ms,
            to_ms=to_ms,
        )
        for ordinal, random, first, last, count, from_ms, to_ms, cause in _DROP.iter_unpack(whole)
    )
