"""Drops as bytes: 56 for each, in the cursor on flash and in the hot journal.

All numbers are little-endian::

0   epoch ordinal u32, random u32, first seq u64, last seq u64, events u64
32  from and to wall clock time i64
48  cause u8 (0 unknown 1 limit 2 age 3 damage 4 quarantine 5 memory 6 purge), 7 x 0
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.drops import Drop

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
