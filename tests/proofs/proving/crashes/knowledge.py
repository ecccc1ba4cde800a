"""All that is known of an outbox's history at one moment, from what it was told and what it answered.

Nothing in here reads the outbox's files. A place is the text of an epoch, whose order is that of the epochs, and a seq.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, TypeAlias

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.stored import Stored

Place: TypeAlias = tuple[str, int]


@lru_cache(maxsize=256)
def name_of(epoch: Epoch) -> str:
    """The text of an epoch."""
    return str(epoch)


@lru_cache(maxsize=4096)
def _entry(body: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(body)
    return entry


class Broken(AssertionError):
    """A promise of the outbox was broken."""


@dataclass(slots=True, kw_only=True)
class Knowledge:
    """``bodies``: what ever was returned or read. ``given``: the last seq of each epoch that was surely given out.

    ``unsure``: how many more an append may have given out that never returned. ``on_flash`` and ``in_hot``: what must
    outlive a power cut, and the process. ``said_ends``: the ends that epochs' first events told. ``dropped``: what the
    limits took, and why. ``announced``: what was ever read as missing. ``closing``: an orderly end was under way.
    ``opening``: a start was under way; ``unwitnessed``: some start did not come to its end, and an epoch may have
    begun there.
    """

    bodies: dict[Place, bytes] = field(default_factory=dict)
    offered: dict[int, tuple[str, int]] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    unsure: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, set[int]] = field(default_factory=dict)
    on_flash: set[Place] = field(default_factory=set)
    in_hot: set[Place] = field(default_factory=set)
    dropped: dict[Place, set[str]] = field(default_factory=dict)
    in_append: int = 0
    opening: bool = False
    unwitnessed: bool = False
    closing: bool = False
    announced: set[Place] = field(default_factory=set)
    ended: dict[str, int] = field(default_factory=dict)
    boots: int = 0
    uptime_s: float = 1000.0
    wall_ms: int = 1_800_000_000_000
    values: int = 0
    said_ends: set[Place] = field(default_factory=set)

    def copied(self) -> Knowledge:
        """One that goes its own way from here."""
        twin = copy(self)
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, dict | set):
                setattr(twin, one.name, value.copy())
        twin.acknowledged = {epoch: seqs.copy() for epoch, seqs in self.acknowledged.items()}
        return twin

    def lasts(self, epoch: str) -> tuple[int, int]:
        """The last seq that was surely given out in an epoch, and the last that may have been."""
        sure = self.given.get(epoch, 0)
        return sure, sure + self.unsure.get(epoch, 0)

    def has_acknowledged(self, place: Place) -> bool:
        return place[1] in self.acknowledged.get(place[0], ())

    def promised(self, *, power: bool) -> set[Place]:
        """What must be delivered, or announced as dropped, after a crash."""
        kept = self.on_flash if power else self.on_flash | self.in_hot
        return {place for place in kept if not self.has_acknowledged(place)}

    def crash(self, *, power: bool) -> None:
        """From here on, what only memory had is gone."""
        self.unwitnessed |= self.opening
        if power:
            self.in_hot.clear()
            self.boots += 1
            self.uptime_s = 5.0

    # What happened, one thing after the other.

    def passed(self, seconds: float) -> None:
        self.uptime_s += seconds
        self.wall_ms += round(seconds * 1000)

    def opens(self) -> None:
        self.opening, self.closing = True, False

    def closes(self) -> None:
        self.closing = True

    def opened(self, epoch: str) -> None:
        """A start is through; the epoch's first event has a seq at least."""
        self.opening = False
        self.given[epoch] = max(self.given.get(epoch, 0), 1)

    def offers(self, epoch: str, values: Iterable[int], held: int) -> None:
        """Append is called; up to ``held`` events more were held back before."""
        values = [*values]
        for value in values:
            self.offered[value] = (epoch, self.lasts(epoch)[1])
        self.in_append = len(values) + held
        self.unsure[epoch] = self.unsure.get(epoch, 0) + self.in_append
        self.values += len(values)

    def returned(self, epoch: str, stored: list[Stored]) -> None:
        """Append is through."""
        self.unsure[epoch] = 0 if stored else self.unsure[epoch] - self.in_append
        for item in stored:
            place = _place(item)
            if place in self.bodies or place[1] <= self.given.get(epoch, 0):
                raise Broken(f"{place} is given out a second time")
            self._check(place, item.body)
            self.bodies[place] = item.body
            self.given[epoch] = max(self.given.get(epoch, 0), place[1])

    def handed_out(self, items: list[Stored | Gap]) -> None:
        for item in items:
            if isinstance(item, Gap):
                if item.from_seq is not None and item.to_seq is not None:
                    self.announced |= {(name_of(item.epoch), seq) for seq in range(item.from_seq, item.to_seq + 1)}
                continue
            place = _place(item)
            known = self.bodies.get(place)
            if known is None:
                self._check(place, item.body)
                self.bodies[place] = item.body
                self._note_given(place)
            elif known != item.body:
                raise Broken(f"{place} has two contents: {known!r} and {item.body!r}")

    def acknowledges(self, epoch: str, first: int, last: int) -> None:
        self.acknowledged.setdefault(epoch, set()).update(range(first, last + 1))

    def drops(self, epoch: str, first: int, last: int, cause: str) -> None:
        for seq in range(first, last + 1):
            self.dropped.setdefault((epoch, seq), set()).add(cause)

    def is_on_flash(self, places: set[Place]) -> None:
        """The outbox let go of these in memory, and nobody has acknowledged them."""
        self.on_flash |= places

    def is_in_hot(self, places: set[Place]) -> None:
        self.in_hot |= places

    def ends(self, epoch: str, last: int) -> None:
        """The epoch was closed in order, and all of it is on flash."""
        self.ended[epoch] = last

    def _note_given(self, place: Place) -> None:
        epoch, seq = place
        sure, possible = self.lasts(epoch)
        if seq > possible and not (seq == 1 and (self.opening or self.unwitnessed)):
            raise Broken(f"{place} was never given out, the last was {possible}")
        if seq > sure:
            self.given[epoch], self.unsure[epoch] = seq, possible - seq

    def _check(self, place: Place, body: bytes) -> None:
        """The body is one that was offered, under its own name."""
        epoch, seq = place
        entry = _entry(body)
        if (entry["epoch"], entry["seq"], entry["id"]) != (epoch, seq, f"gw:{epoch}:{seq}"):
            raise Broken(f"{place} says of itself: {body!r}")
        if seq == 1:
            self._check_start(epoch, entry)
            return
        offer = self.offered.get(int(entry["value"]))
        if entry["type"] != "value" or offer is None or offer[0] != epoch:
            raise Broken(f"{place} holds what nobody appended there: {body!r}")

    def _check_start(self, epoch: str, entry: dict[str, Any]) -> None:
        """An epoch names the one before it, and its last seq only if that is it."""
        previous, last = entry["previous"], entry["previous_last_seq"]
        if entry["type"] != "epoch":
            raise Broken(f"{epoch} begins with {entry}")
        before = max((one for one in self.given if one < epoch), default=None)
        if previous is None:
            if before is not None or last is not None:
                raise Broken(f"{epoch} does not name {before} as the one before")
        elif (before is not None and previous < before) or previous >= epoch:
            raise Broken(f"{epoch} names {previous} as the one before, and that was {before}")
        elif previous != before:
            # One that began, and whose start did not come to its end.
            if last is not None and last > 1:
                raise Broken(f"{epoch} says that {previous} ended at {last}, and nobody saw it begin")
        else:
            sure, possible = self.lasts(previous)
            if last is not None:
                self.said_ends.add((previous, last))
            if last is not None and not sure <= last <= possible:
                raise Broken(f"{epoch} says that {previous} ended at {last}, and it ended at {sure} to {possible}")
            if last is None and previous in self.ended:
                raise Broken(f"{epoch} does not know that {previous} ended at {self.ended[previous]}")


def _place(item: Stored) -> Place:
    return name_of(item.position.epoch), int(item.position.seq)
