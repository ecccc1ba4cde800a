"""What was dropped and is not yet announced: ranges with cause and times, so that a hole can say why it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch

DROPS_KEPT: Final = 7
"""As many as fit a cursor's slot. The cause of older ones becomes unknown; that they are missing never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Seqs of one epoch that were given up, at most ``count`` of them undelivered; times are wall clock."""

    epoch: Epoch
    first: int
    last: int
    count: int
    cause: GapCause
    from_ms: int
    to_ms: int


class Drops:
    """The newest drops, in the order of the stream. Neighbours of one cause are one drop."""

    def __init__(self, drops: Iterable[Drop] = ()) -> None:
        """Start with what a cursor held."""
        self._drops = sorted(drops, key=_place)

    def __iter__(self) -> Iterator[Drop]:
        return iter(self._drops)

    def add(self, drop: Drop) -> None:
        """Remember one more."""
        merged = [*self._drops]
        for index, known in enumerate(merged):
            if known.epoch == drop.epoch and known.cause == drop.cause and _touch(known, drop):
                merged[index] = replace(
                    known,
                    first=min(known.first, drop.first),
                    last=max(known.last, drop.last),
                    count=known.count + drop.count,
                    from_ms=min(known.from_ms, drop.from_ms),
                    to_ms=max(known.to_ms, drop.to_ms),
                )
                break
        else:
            merged.append(drop)
        self._drops = sorted(merged, key=_place)[-DROPS_KEPT:]

    def forget_through(self, epoch: Epoch, seq: int) -> None:
        """Everything through this position has been announced and acknowledged."""
        if self._drops:
            self._drops = [drop for drop in self._drops if (drop.epoch, drop.last) > (epoch, seq)]

    def within(self, epoch: Epoch, first: int, last: int) -> list[Drop]:
        """The drops that touch a range, cut to it, in order and without overlap."""
        found: list[Drop] = []
        for drop in self._drops:
            begin, end = max(drop.first, first), min(drop.last, last)
            if drop.epoch == epoch and begin <= end:
                found.append(replace(drop, first=begin, last=end))
                first = end + 1
        return found


def _place(drop: Drop) -> tuple[Epoch, int]:
    return drop.epoch, drop.first


def _touch(one: Drop, other: Drop) -> bool:
    return one.first <= other.last + 1 and other.first <= one.last + 1
