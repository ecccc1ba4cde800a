"""What one destination has acknowledged: everything through a mark, and ranges above it. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import TypeAlias

from sensor_gateway.model.position import Epoch, Position, Seq

AckRange: TypeAlias = tuple[Epoch, int, int]
"""Seqs of one epoch, from and through."""


class Marks:
    """Acknowledgements in any order, turned into the highest contiguous position.

    Within an epoch each seq counts, those in holes too: whoever reads a hole acknowledges its range. From
    one epoch to the next the mark moves over a border that the reader has learned.
    """

    def __init__(self, epoch: Epoch, seq: int, ranges: Iterable[AckRange] = ()) -> None:
        """Start with everything through a position acknowledged (seq 0: nothing of that epoch)."""
        self.epoch = epoch
        self.seq = seq
        self.ranges: list[AckRange] = []
        self._borders: dict[Epoch, tuple[int, Epoch]] = {}
        for above, first, last in ranges:
            self.acknowledge(above, first, last)

    @property
    def position(self) -> Position | None:
        """Through where everything is acknowledged; None at the very beginning of an epoch."""
        return Position(epoch=self.epoch, seq=Seq(self.seq)) if self.seq else None

    def acknowledge(self, epoch: Epoch, first: int, last: int) -> None:
        """Take note of a range. What was acknowledged before, or lies below the mark, changes nothing."""
        if epoch is self.epoch or epoch == self.epoch:
            if first <= self.seq + 1:
                if last > self.seq:
                    self.seq = last
                    if self.ranges or self._borders:
                        self._advance()
                return
        elif epoch < self.epoch:
            return
        if last >= first:
            self._insert(epoch, first, last)

    def learn_border(self, epoch: Epoch, last: int, following: Epoch) -> None:
        """Behind ``last``, the epoch has nothing more, and ``following`` begins."""
        if epoch >= self.epoch:
            self._borders[epoch] = (last, following)
            self._advance()

    def is_passed(self, epoch: Epoch, seq: int) -> bool:
        """Whether the mark is at this position or above it."""
        return seq <= self.seq if epoch == self.epoch else epoch < self.epoch

    def covers(self, epoch: Epoch, seq: int) -> bool:
        """Whether this position is acknowledged."""
        if self.is_passed(epoch, seq):
            return True
        return any(above == epoch and first <= seq <= last for above, first, last in self.ranges)

    def uncovered(self, epoch: Epoch, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of a range that are not acknowledged, in order."""
        if epoch < self.epoch:
            return []
        if epoch == self.epoch:
            first = max(first, self.seq + 1)
        parts: list[tuple[int, int]] = []
        for above, begin, end in self.ranges:
            if above != epoch or end < first or begin > last:
                continue
            if begin > first:
                parts.append((first, begin - 1))
            first = end + 1
        if first <= last:
            parts.append((first, last))
        return parts

    def _insert(self, epoch: Epoch, first: int, last: int) -> None:
        merged: list[AckRange] = []
        for above in self.ranges:
            if above[0] == epoch and above[1] <= last + 1 and above[2] >= first - 1:
                first, last = min(first, above[1]), max(last, above[2])
            else:
                merged.append(above)
        insort(merged, (epoch, first, last))
        self.ranges = merged

    def _advance(self) -> None:
        while True:
            if self.ranges and self.ranges[0][0] == self.epoch and self.ranges[0][1] <= self.seq + 1:
                self.seq = max(self.seq, self.ranges.pop(0)[2])
                continue
            border = self._borders.get(self.epoch)
            if border is None or self.seq < border[0]:
                return
            self._cross(border[1])

    def _cross(self, following: Epoch) -> None:
        """Go to the beginning of an epoch. What is known of lower ones is of no use any more."""
        self.epoch, self.seq = following, 0
        self.ranges = [above for above in self.ranges if above[0] >= following]
        self._borders = {epoch: border for epoch, border in self._borders.items() if epoch >= following}
