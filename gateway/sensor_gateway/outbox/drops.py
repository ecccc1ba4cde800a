"""What was dropped and is not yet announced: ranges with cause and times, so that a hole can say why it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch, Position, Seq

DROPS_KEPT: Final = 72
"""As many as fit a cursor's slot: of at least so many epochs it can tell that they, or their ends, were dropped.

Where a purge took a part of an epoch and something else another part, that one takes two places.
"""


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
    """The newest drops, in the order of the stream. Neighbours of one cause are one drop.

    ``floor``: what lies there or below it was discarded by an operator, and is gone even where it can still be read.
    """

    def __init__(self, drops: Iterable[Drop] = ()) -> None:
        """Start with what a cursor held."""
        self._drops = sorted(drops, key=_place)
        if len(self._drops) > DROPS_KEPT:
            self._shrink()
        purged = [(drop.epoch, drop.last) for drop in self._drops if drop.cause is GapCause.PURGE]
        self.floor = Position(epoch=max(purged)[0], seq=Seq(max(purged)[1])) if purged else None

    def __iter__(self) -> Iterator[Drop]:
        return iter(self._drops)

    def add(self, drop: Drop) -> None:
        """Remember one more."""
        merged = [*self._drops]
        for index, known in enumerate(merged):
            if known.epoch == drop.epoch and known.cause == drop.cause and _touch(known, drop):
                merged[index] = _span(known, drop)
                break
        else:
            merged.append(drop)
        self._drops = sorted(merged, key=_place)
        if len(self._drops) > DROPS_KEPT:
            self._shrink()

    def forget_through(self, epoch: Epoch, seq: int) -> None:
        """Everything through this position has been announced and acknowledged."""
        if self._drops:
            self._drops = [drop for drop in self._drops if (drop.epoch, drop.last) > (epoch, seq)]

    def through(self, epoch: Epoch, seq: int) -> Position:
        """Through where nothing is needed: what is acknowledged through a position, or what an operator discarded."""
        mark = Position(epoch=epoch, seq=Seq(seq))
        return mark if self.floor is None else max(mark, self.floor)

    def within(self, epoch: Epoch, first: int, last: int) -> list[Drop]:
        """The drops that touch a range, cut to it, in order and without overlap."""
        found: list[Drop] = []
        for drop in self._drops:
            begin, end = max(drop.first, first), min(drop.last, last)
            if drop.epoch == epoch and begin <= end:
                found.append(replace(drop, first=begin, last=end))
                first = end + 1
        return found

    def _shrink(self) -> None:
        """Make one of what is in one epoch. It spans events that are there: only holes are ever compared with it.

        But what was purged stays by itself: a start knows from it what is gone although it can be read.
        """
        merged: dict[tuple[Epoch, bool], Drop] = {}
        for drop in self._drops:
            place = drop.epoch, drop.cause is GapCause.PURGE
            known = merged.get(place)
            merged[place] = drop if known is None else _span(known, drop)
        self._drops = sorted(merged.values(), key=_place)
        purged = max((drop for drop in self._drops if drop.cause is GapCause.PURGE), key=_place, default=None)
        while len(self._drops) > DROPS_KEPT:
            del self._drops[self._drops[0] is purged]


def both(some: Iterable[Drop], others: Iterable[Drop]) -> list[Drop]:
    """What two notes of the same drops say together, one of them older: drops only grow, so the larger one holds."""
    found = [*some]
    for drop in others:
        if not any(_holds(known, drop) for known in found):
            found = [known for known in found if not _holds(drop, known)]
            found.append(drop)
    return found


def _holds(one: Drop, other: Drop) -> bool:
    is_same = one.epoch == other.epoch and one.cause in {other.cause, GapCause.UNKNOWN}
    return is_same and one.first <= other.first and other.last <= one.last


def _span(one: Drop, other: Drop) -> Drop:
    return replace(
        one,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        count=one.count + other.count,
        cause=one.cause if one.cause == other.cause else GapCause.UNKNOWN,
        from_ms=min(one.from_ms, other.from_ms),
        to_ms=max(one.to_ms, other.to_ms),
    )


def _place(drop: Drop) -> tuple[Epoch, int]:
    return drop.epoch, drop.first


def _touch(one: Drop, other: Drop) -> bool:
    return one.first <= other.last + 1 and other.first <= one.last + 1
