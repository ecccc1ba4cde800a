"""Starts an outbox on what a crash left, has it deliver everything, and says what was lost, skipped or made up."""

from __future__ import annotations

import random
from itertools import pairwise

from proving.crashes.knowledge import Broken, Place, name_of
from proving.crashes.witness import Witness
from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.outbox.stored import Stored

_DECIDED = {GapCause.LIMIT, GapCause.AGE, GapCause.MEMORY}
_READS = 3000


class Judge:
    """One recovery, after a power cut or a kill.

    ``goes_on``: the hot journal is whole and proves the last seq, or there is nothing that proves it. None: either.
    """

    def __init__(self, witness: Witness, chance: random.Random, *, power: bool, goes_on: bool | None) -> None:
        self._witness = witness
        self._chance = chance
        self._before = witness.known.copied()
        self._promised = self._before.promised(power=power)
        self._goes_on = goes_on
        self._items: list[Stored | Gap] = []
        self._delivered: set[Place] = set()
        self._announced: dict[Place, GapCause] = {}

    def recover(self) -> None:
        """Start, append, drain, append and drain again. Broken, or whatever the outbox raises, where that is wrong."""
        witness, chance = self._witness, self._chance
        self._start()
        for _ in range(chance.choice((0, 1, 1, 3))):
            witness.append(chance.choice((1, 2, 6)))
            if chance.random() < 0.5:
                witness.tend(chance.choice((0.0, 0.05, 6.0)))
        self._drain(is_last=False)
        witness.append(2)
        witness.card.free()
        self._drain(is_last=True)
        self._judge_stream()
        self._judge_promises()
        self._judge_end()

    def _start(self) -> None:
        before = self._before
        box = self._witness.open()
        self._witness.card.mood = self._chance.choice(("prompt", "prompt", "slow"))
        epoch = str(box.epoch)
        newest = max(before.given, default="")
        if epoch in before.given:
            if self._goes_on is False or epoch != newest:
                raise Broken(f"{epoch} goes on, and nothing proves its last seq")
        elif self._goes_on:
            raise Broken(f"{epoch} begins, and {newest} could have gone on")
        elif epoch < newest:
            raise Broken(f"{epoch} begins after {newest}")

    def _drain(self, *, is_last: bool) -> None:
        """Deliver everything, as a publisher would."""
        witness, chance = self._witness, self._chance
        for _ in range(_READS):
            items = witness.read(None, max_events=chance.choice((3, 20, 100, 100)))
            if not items:
                break
            self._items += items
            if chance.random() < 0.1:
                for item in reversed(items):
                    witness.acknowledge(item)
            witness.acknowledge_all(items)
            if chance.random() < 0.5:
                witness.tend(chance.choice((0.0, 0.05, 0.05, 3.0)))
        else:
            raise Broken("it never comes to an end")
        for seconds in (0.0, 0.1, 11.0, 0.1, 0.1, 0.1) if is_last else (0.0,):
            witness.tend(seconds)

    def _judge_stream(self) -> None:
        """Each event once, in order, without a hole that is not announced, and no gap over what is there."""
        for item in self._items:
            if isinstance(item, Stored):
                self._once((name_of(item.position.epoch), int(item.position.seq)), None)
            elif item.from_seq is not None and item.to_seq is not None:
                if item.count != item.to_seq - item.from_seq + 1:
                    raise Broken(f"a gap that does not count what it spans: {item}")
                for seq in range(item.from_seq, item.to_seq + 1):
                    self._once((name_of(item.epoch), seq), item.cause)
        self._judge_order()
        seen = self._delivered | self._announced.keys()
        for epoch in {place[0] for place in seen}:
            self._judge_epoch(epoch, {seq for one, seq in seen if one == epoch})
        self._judge_gaps()

    def _judge_gaps(self) -> None:
        """What is announced was given out, is not there, and was not delivered before."""
        known = self._witness.known
        for place, cause in self._announced.items():
            _, possible = known.lasts(place[0])
            if place[1] > max(possible, 1):
                raise Broken(f"{place} is announced as missing, and never was")
            decided = known.dropped.get(place, set())
            is_unsynced = self._before.boots > 0 and place not in self._before.on_flash
            is_fair = decided or place in self._before.announced or is_unsynced
            if self._before.has_acknowledged(place) and not is_fair:
                raise Broken(f"{place} is announced as missing ({cause}), and was acknowledged")
            if cause in _DECIDED and cause.value not in decided:
                raise Broken(f"{place} is announced as dropped ({cause}), and was not ({decided})")

    def _once(self, place: Place, cause: GapCause | None) -> None:
        if place in self._delivered or place in self._announced:
            raise Broken(f"{place} comes twice ({cause})")
        if cause is None:
            self._delivered.add(place)
        else:
            self._announced[place] = cause

    def _judge_order(self) -> None:
        places = []
        for item, following in pairwise([*self._items, None]):
            if isinstance(item, Stored):
                places.append((name_of(item.position.epoch), int(item.position.seq)))
            elif item is not None and item.from_seq is not None:
                places.append((name_of(item.epoch), item.from_seq))
            elif item is not None and not (isinstance(following, Stored) and following.position.seq == item.before_seq):
                raise Broken(f"a gap of refused events without the event it stands before: {item}")
        for one, other in pairwise(places):
            if one >= other:
                raise Broken(f"{other} comes after {one}")

    def _judge_epoch(self, epoch: str, seen: set[int]) -> None:
        """From its first seq to the last one heard of, everything was delivered, announced or acknowledged before."""
        covered = seen | self._before.acknowledged.get(epoch, set())
        last = max(*seen, self._said_end(epoch))
        missing = set(range(1, last + 1)) - covered
        if missing:
            raise Broken(f"{epoch} lacks {sorted(missing)[:5]} of {last}, and nobody says so")

    def _said_end(self, epoch: str) -> int:
        return max((last for previous, last in self._witness.known.said_ends if previous == epoch), default=0)

    def _judge_promises(self) -> None:
        known = self._witness.known
        for place in sorted(self._promised):
            if place in self._delivered:
                continue
            cause = self._announced.get(place)
            decided = known.dropped.get(place, set())
            if cause is None:
                raise Broken(f"{place} is lost, and was promised to be safe")
            is_told = cause.value in decided
            is_from_memory = decided and cause is GapCause.UNKNOWN and place not in self._before.on_flash
            if not is_told and not is_from_memory:
                raise Broken(f"{place} is announced as missing ({cause}), and was promised to be safe ({decided})")

    def _judge_end(self) -> None:
        witness = self._witness
        box = witness.box
        assert box is not None
        if box.pending or box.alarms:
            raise Broken(f"everything was delivered, and {box.pending} are pending, alarms: {box.alarms}")
        mine = {place for place in witness.known.bodies if place not in self._before.bodies}
        lost = {place for place in mine if place not in self._delivered and place not in self._announced}
        if lost:
            raise Broken(f"what was appended after the crash is not delivered: {sorted(lost)[:5]}")
        settings = witness.variant.settings
        if settings.durability is not Durability.ALWAYS and witness.variant.has_hot and box._tiers._shelf.segments:
            raise Broken("everything was delivered, and segments are kept")
