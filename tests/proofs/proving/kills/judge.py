"""Who counts and forgets nothing: what a subscriber heard, against what it was promised."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from proving.kills.stored import Snapshot

Event = dict[str, Any]

_MAY_CHANGE = ("replayed", "time", "clock")


def objections(events: Iterable[Event]) -> list[str]:
    """What is wrong with a stream that was heard from its first event to its last."""
    judge = Judge()
    judge.hear(events)
    return judge.objections()


class Judge:
    """Hears the events in the order of their delivery, and looks at what the gateway left at each of its ends.

    ``heard`` counts events, ``repeated`` those of them that had been heard before.
    """

    def __init__(self) -> None:
        self.heard = 0
        self.repeated = 0
        self.seqs: dict[str, set[int]] = defaultdict(set)
        self._found: list[str] = []
        self._contents: dict[str, int] = {}
        self._newest = ("", 0)
        self._starts: dict[str, Event] = {}
        self._checked: dict[str, int] = defaultdict(int)
        self._last_left: Snapshot | None = None
        self._owed: list[tuple[str, Snapshot]] = []

    def hear(self, events: Iterable[Event]) -> None:
        """What was delivered next."""
        for event in events:
            self._learn(event)
            self.heard += 1
            if event["type"] == "gap":
                self._found.append(f"a gap: {event['id']}")
                continue
            if event["type"] == "epoch":
                self._starts[event["epoch"]] = event
            position = (event["epoch"], event["seq"])
            if event["seq"] in self.seqs[event["epoch"]]:
                self.repeated += 1
            elif position < self._newest:
                self._found.append(f"{event['id']} came for the first time after {self._newest}")
            self._newest = max(self._newest, position)
            self.seqs[event["epoch"]].add(event["seq"])

    def left(self, when: str, snapshot: Snapshot) -> None:
        """What the gateway left in its directories when it ended; everything that it sent in time has been heard."""
        before, self._last_left = self._last_left, snapshot
        if snapshot.gaps:
            self._found.append(f"{when}: the store misses something")
        if snapshot.is_new_epoch and before is not None:
            self._found.append(f"{when}: the store cannot prove its last seq")
        if before is not None and before.epoch == snapshot.epoch and before.next_seq > snapshot.next_seq:
            self._found.append(f"{when}: the next seq went back from {before.next_seq} to {snapshot.next_seq}")
        if self._newest >= (snapshot.epoch, snapshot.next_seq):
            self._found.append(f"{when}: {self._newest} was sent, but the next seq is {snapshot.next_seq}")
        for body in snapshot.waiting.values():
            self._learn(json.loads(body))
        self._owed.append((when, snapshot))

    def compare(self, when: str, left: int, found: int) -> None:
        """How many events a start found waiting, by its log, against what its predecessor had left."""
        if left != found:
            self._found.append(f"{when}: the start found {found} events waiting, and {left} were left")

    def settle(self) -> None:
        """All that the broker has acknowledged so far has been heard: the rest must still be in the store."""
        for when, snapshot in self._owed:
            seqs = self.seqs[snapshot.epoch]
            first = self._checked[snapshot.epoch] + 1
            gone = [seq for seq in range(first, snapshot.next_seq) if seq not in seqs and seq not in snapshot.waiting]
            if gone:
                self._found.append(f"{when}: acknowledged and never delivered: {gone[:5]}, {len(gone)} events")
            lowest = min(snapshot.waiting, default=snapshot.next_seq)
            self._checked[snapshot.epoch] = max(first, lowest) - 1
        self._owed.clear()

    def objections(self) -> list[str]:
        """Everything that is wrong, after the last event."""
        self.settle()
        found = list(self._found)
        for epoch, present in self.seqs.items():
            missing = set(range(1, max(present, default=0) + 1)) - present
            if missing:
                found.append(f"{epoch} lacks {sorted(missing)[:5]}")
        found += self._broken_links()
        last = self._last_left
        if last is not None and last.waiting.keys() - self.seqs[last.epoch]:
            found.append(f"stored, and not delivered in the end: {sorted(last.waiting.keys() - self.seqs[last.epoch])}")
        return found

    def _broken_links(self) -> list[str]:
        found = []
        epochs = sorted(epoch for epoch, present in self.seqs.items() if present)
        for before, epoch in itertools.pairwise(epochs):
            start = self._starts.get(epoch, {})
            if start.get("previous") != before or start.get("previous_last_seq") != max(self.seqs[before]):
                found.append(f"{epoch} does not follow {before} to its end")
        return found

    def _learn(self, event: Event) -> None:
        """An id fixes everything but what may change."""
        content = hash(json.dumps({key: event[key] for key in event if key not in _MAY_CHANGE}))
        if self._contents.setdefault(event["id"], content) != content:
            self._found.append(f"{event['id']} names two events")
