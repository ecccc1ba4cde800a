"""The reference deduper of a subscriber: which events of a stream are news to it. One file, free to be copied.

MQTT delivers at least once. An event whose acknowledgement was lost comes again, and one that the broker refused for a
moment comes behind later ones, so "nothing that is not above the last seq" would throw news away. The rule is:

- For each gateway and epoch the seqs seen are kept as ranges: 1 to the contiguous mark, and what lies above it. A seq
  that lies in none of them is new, wherever it lies.
- A copy with a better clock (``corrected``, or ``synced``) of an event seen as ``unsynced`` is an improvement: it
  replaces the stored one, from which only ``time`` and ``clock`` differ. That happens once; the other way round never.
- A gap has no seq and is told by its id. What it announces as lost is not missing any more; an event that comes all the
  same is new.
- Memory is bounded. Of more than ``most`` ranges the lowest is forgotten, and of more than ``epochs`` epochs of a
  gateway the one not heard for longest. What is forgotten counts as missing, may come through as new once more (a store
  with the id as its key does not care), and its correction may be missed. News is never dropped, and nothing counts as
  complete that is not.

Store an event before the deduper's state: then a crash between the two lets a duplicate through, and loses nothing.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final, Literal, Self, TypeAlias

Verdict: TypeAlias = Literal["new", "improved", "duplicate"]
"""Store it; replace the one stored under its id; drop it."""

_UNSYNCED: Final = "unsynced"


class _Ranges:
    """A set of whole numbers that mostly follow each other: inclusive ranges, disjoint and in order."""

    def __init__(self, ranges: Iterable[Iterable[int]] = ()) -> None:
        """Begin with these, which are in order already."""
        self.ranges: list[tuple[int, int]] = [(first, last) for first, last in ranges]

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.ranges, (number, sys.maxsize)) - 1
        return at >= 0 and number <= self.ranges[at][1]

    def add(self, first: int, last: int) -> None:
        """Add all from ``first`` to ``last``."""
        ranges = self.ranges
        begin = bisect_left(ranges, first - 1, key=lambda range_: range_[1])
        end = bisect_right(ranges, last + 1, key=lambda range_: range_[0])
        if begin < end:
            first, last = min(first, ranges[begin][0]), max(last, ranges[end - 1][1])
        ranges[begin:end] = [(first, last)]

    def remove(self, number: int) -> None:
        """Take out one that is in it."""
        at = bisect_right(self.ranges, (number, sys.maxsize)) - 1
        first, last = self.ranges[at]
        self.ranges[at : at + 1] = [(a, b) for a, b in ((first, number - 1), (number + 1, last)) if a <= b]


class _Known:
    """What is known of one epoch of one gateway. ``end`` is its last seq, where the next epoch told it."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        """Begin with what ``state`` gave, or with nothing."""
        kept = kept or {}
        self.seen = _Ranges(kept.get("seen", ()))
        self.unsynced = _Ranges(kept.get("unsynced", ()))
        self.lost = _Ranges(kept.get("lost", ()))
        self.gaps: dict[str, None] = dict.fromkeys(kept.get("gaps", ()))
        self.end: int = kept.get("end", 0)

    def keep(self, most: int) -> None:
        """Forget the lowest ranges and the oldest gaps, until ``most`` of each are left."""
        for kept in (self.seen, self.unsynced, self.lost):
            del kept.ranges[:-most]
        while len(self.gaps) > most:
            del self.gaps[next(iter(self.gaps))]

    def state(self) -> dict[str, Any]:
        """All of it, for JSON."""
        ranges = {name: getattr(self, name).ranges for name in ("seen", "unsynced", "lost")}
        return {**ranges, "gaps": list(self.gaps), "end": self.end}


class Deduper:
    """Tells news from repetition, for any number of gateways."""

    def __init__(self, *, epochs: int = 8, most: int = 1000) -> None:
        """Remember so many ``epochs`` of each gateway, and in each at ``most`` so many ranges, and as many gaps."""
        self._most_epochs = epochs
        self._most = most
        self._gateways: dict[str, dict[str, _Known]] = {}

    def offer(self, event: Mapping[str, Any]) -> Verdict:
        """What an event of the stream is, which counts as seen from now on. KeyError for what is no such event."""
        if event.get("previous") and event["previous_last_seq"]:
            self._heard(event["gateway"], event["previous"]).end = event["previous_last_seq"]
        known = self._heard(event["gateway"], event["epoch"])
        if event["type"] == "gap":
            return self._offer_gap(known, event)
        seq, is_unsynced = event["seq"], event["clock"] == _UNSYNCED
        is_new, is_better = seq not in known.seen, not is_unsynced and seq in known.unsynced
        if is_new:
            known.seen.add(seq, seq)
        if is_new and is_unsynced:
            known.unsynced.add(seq, seq)
        if is_better:
            known.unsynced.remove(seq)
        known.keep(self._most)
        return "new" if is_new else "improved" if is_better else "duplicate"

    def missing(self, gateway: str, epoch: str) -> list[tuple[int, int]]:
        """The ranges of seqs neither seen nor announced as lost, up to the last one known of; empty: complete.

        KeyError for an epoch that it does not remember.
        """
        known = self._gateways[gateway][epoch]
        there = _Ranges([(0, 0)])
        for first, last in (*known.seen.ranges, *known.lost.ranges):
            there.add(first, last)
        end = max(known.end, there.ranges[-1][1]) + 1
        holes = [(before[1] + 1, after[0] - 1) for before, after in pairwise([*there.ranges, (end, end)])]
        return [(first, last) for first, last in holes if first <= last]

    def to_json(self) -> str:
        """What it remembers, to be kept over a restart."""
        gateways = {
            name: {epoch: known.state() for epoch, known in epochs.items()} for name, epochs in self._gateways.items()
        }
        return json.dumps({"version": 1, "gateways": gateways}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, *, epochs: int = 8, most: int = 1000) -> Self:
        """Go on where ``to_json`` was called."""
        deduper = cls(epochs=epochs, most=most)
        for name, kept in json.loads(text)["gateways"].items():
            deduper._gateways[name] = {epoch: _Known(state) for epoch, state in kept.items()}
        return deduper

    def _heard(self, gateway: str, epoch: str) -> _Known:
        """The epoch, as the one heard last; the one not heard for longest makes room for a new one."""
        epochs = self._gateways.setdefault(gateway, {})
        epochs[epoch] = known = epochs.pop(epoch, None) or _Known()
        if len(epochs) > self._most_epochs:
            del epochs[next(iter(epochs))]
        return known

    def _offer_gap(self, known: _Known, gap: Mapping[str, Any]) -> Verdict:
        if gap["id"] in known.gaps:
            return "duplicate"
        known.gaps[gap["id"]] = None
        if gap["from_seq"] is not None:
            known.lost.add(gap["from_seq"], gap["to_seq"])
        known.keep(self._most)
        return "new"
