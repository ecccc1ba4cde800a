"""An outbox that runs under witness: what it is told and answers is kept, with the call of the disk before it."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from proving.crashes.knowledge import Broken, Knowledge, Place, name_of
from proving.crashes.recorder import Card, Killed, RecordingDisk
from proving.crashes.recording import FLASH, HOT, Image, Recording
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, Quality, Reason
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.locks import DirectoryLock
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.simulation.virtual_clock import VirtualClock

_STEP = 64
SOURCES = [
    Source(
        sensor=f"s{number}",
        channel=Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1),
    )
    for number in range(3)
]


class Silence:
    """A Log that nobody reads."""

    def info(self, event: str, /, **facts: object) -> None:
        pass

    debug = warning = error = info


class NotedLock(DirectoryLock):
    """A lock that is found again when its process dies, also while it starts."""

    held: ClassVar[list[NotedLock]] = []

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.held.append(self)

    def release(self) -> None:
        self.held.remove(self)
        super().release()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to run an outbox."""

    name: str
    settings: OutboxSettings
    has_hot: bool = True


@dataclass(slots=True)
class Fact:
    """``tell`` was true from before operation ``at`` on."""

    at: int
    tell: Callable[[Knowledge], None]


class Witness:
    """One machine between two power cuts. ``known`` is what is known of it now."""

    def __init__(self, root: Path, image: Image, known: Knowledge, variant: Variant, chance: random.Random) -> None:
        """``root`` is empty, and the image is what the medium has."""
        self.root = root
        self.variant = variant
        self._steps = [known.copied()]
        self.known = known
        self.facts: list[Fact] = []
        self.recording = Recording(image)
        image.build(root)
        self.disk = RecordingDisk(root, self.recording)
        self._chance = chance
        self.card = Card(self.disk, chance, self._hear_of_an_error)
        self.clock = VirtualClock(start_s=known.uptime_s, boot_s=known.uptime_s, wall_ms=known.wall_ms)
        self.box: Outbox | None = None
        self._in_memory: set[Place] = set()
        self._is_doubtful = False

    def knowledge_at(self, cut: int) -> Knowledge:
        """What was known when operation ``cut`` had not yet been done."""
        last = bisect_right(self.facts, cut, key=lambda fact: fact.at)
        step = last // _STEP
        while len(self._steps) <= step:
            self._steps.append(self._told(self._steps[-1], len(self._steps) * _STEP - _STEP, len(self._steps) * _STEP))
        return self._told(self._steps[step], step * _STEP, last)

    def _told(self, known: Knowledge, start: int, end: int) -> Knowledge:
        known = known.copied()
        for fact in self.facts[start:end]:
            fact.tell(known)
        return known

    def open(self) -> Outbox:
        self._tell(lambda known: known.opens())
        self.card = Card(self.disk, self._chance, self._hear_of_an_error)
        self.box = box = Outbox.open(
            state_directory=self.root / FLASH,
            hot_directory=self.root / HOT if self.variant.has_hot else None,
            gateway="gw",
            settings=self.variant.settings,
            clock=self.clock,
            machine=Machine(boot_id=f"{self.known.boots + 1:08x}-2fa1-11d2-883f-0016d3cca427", hardware_id="serial"),
            log=Silence(),
            hands=Hands(disk=self.disk, syncer=self.card, is_woken=False),
        )
        self._watch_drops(box)
        epoch = name_of(box.epoch)
        self._tell(lambda known: known.opened(epoch))
        places = {*self.known.in_hot, *self.known.on_flash}
        self._in_memory = {place for place in places if not self.known.has_acknowledged(place)} | {(epoch, 1)}
        self.look()
        return box

    def append(self, count: int) -> None:
        """Offer as many events; each has a number of its own as its value."""
        box = self._running()
        epoch, start = name_of(box.epoch), self.known.values
        values = range(start, start + count)
        stamp = self.clock.stamp()
        news = [
            ChangeEvent(
                source=SOURCES[value % 3],
                value=float(value),
                quality=Quality.GOOD,
                reason=Reason.CHANGE,
                code=None,
                stamp=stamp,
            )
            for value in values
        ]
        self._tell(lambda known: known.offers(epoch, values, len(SOURCES)))
        stored = box.append(news)
        self._tell(lambda known: known.returned(epoch, stored))
        places = {(epoch, int(item.position.seq)) for item in stored}
        self._in_memory |= places
        if self.variant.settings.durability is not Durability.MEMORY and box._tiers.is_hot:
            self._tell(lambda known: known.is_in_hot(places))
        self.look()

    def read(self, after: Position | None, *, max_events: int, max_bytes: int = 10**6) -> list[Stored | Gap]:
        items = self._running().read(after, max_events=max_events, max_bytes=max_bytes)
        self._tell(lambda known: known.handed_out(items))
        if not self._is_doubtful:
            stored = [item.position for item in items if isinstance(item, Stored)]
            self._in_memory |= {(name_of(position.epoch), int(position.seq)) for position in stored}
        self.look()
        _check_order(after, items)
        return items

    def acknowledge(self, item: Stored | Gap) -> None:
        """A gap is acknowledged by its range, one without a range together with the event behind it."""
        if isinstance(item, Stored):
            self._acknowledge(item.position, item.position)
        elif item.from_seq is not None and item.to_seq is not None:
            first = Position(epoch=item.epoch, seq=Seq(item.from_seq))
            self._acknowledge(first, Position(epoch=item.epoch, seq=Seq(item.to_seq)))

    def acknowledge_all(self, items: Sequence[Stored | Gap]) -> None:
        """The same, events in a row together."""
        row: list[Position] = []
        for item in items:
            if isinstance(item, Stored):
                if row and (row[-1].epoch != item.position.epoch or row[-1].seq + 1 != item.position.seq):
                    self._acknowledge(row[0], row[-1])
                    row = []
                row.append(item.position)
            else:
                self.acknowledge(item)
        if row:
            self._acknowledge(row[0], row[-1])

    def _acknowledge(self, first: Position, last: Position) -> None:
        epoch, begin, end = name_of(first.epoch), int(first.seq), int(last.seq)
        self._tell(lambda known: known.acknowledges(epoch, begin, end))
        self._running().acknowledge(first, last)

    def tend(self, seconds: float = 0.0) -> float | None:
        if seconds:
            self.clock.advance(seconds)
            self._tell(lambda known: known.passed(seconds))
        wait_s = self._running().tend()
        self.look()
        return wait_s

    def close(self, *, to_flash: bool) -> None:
        box = self._running()
        is_in_order = self.card.mood != "stuck" and not self.card.errors and not box.alarms
        is_in_order = is_in_order and self.card.is_idle and (to_flash or box._tiers.is_direct)
        epoch, last = name_of(box.epoch), box._intake.next_seq - 1
        self._tell(lambda known: known.closes())
        box.close(to_flash=to_flash)
        if is_in_order and box._opened._parts.tail.first is None:
            self.look()
            self._tell(lambda known: known.ends(epoch, last))
        self.card.note_failures()
        self.kill()

    def kill(self) -> None:
        """kill -9: files stay as they are; descriptors go."""
        self.disk.dies_in = None
        self.disk.abandon()
        self.box = None
        for lock in [*NotedLock.held]:
            if lock.directory.is_relative_to(self.root):
                lock.release()

    def dies(self, act: Callable[[], Any]) -> None:
        """Do something in which the process may end."""
        try:
            act()
        except Killed:
            self.kill()

    def look(self) -> None:
        """See what memory has let go of: it was acknowledged, dropped, or is on flash."""
        box = self._running()
        self.card.note_failures()
        head = box._opened._parts.tail.first
        unwritten = box._opened._parts.tail.first_unwritten
        first = (name_of(head.epoch), head.first_seq) if head else ("~", 0)
        gone = {place for place in self._in_memory if place < first}
        if gone:
            self._in_memory -= gone
            safe = {place for place in gone if not self.known.has_acknowledged(place)} - self.known.dropped.keys()
            self._tell(lambda known: known.is_on_flash(safe))
        if not self.variant.has_hot and unwritten is None and self._in_memory:
            written = self._in_memory.copy()
            self._tell(lambda known: known.is_in_hot(written))

    def _hear_of_an_error(self) -> None:
        """Without a hot journal only the kernel's memory has what was given up; nothing is promised of that."""
        if not self.variant.has_hot:
            self._is_doubtful = True
            self._tell(lambda known: known.in_hot.clear())

    def _watch_drops(self, box: Outbox) -> None:
        """Hear of each drop when it is decided; some are while the outbox opens."""
        drops = box._opened.recovered.drops
        add = drops.add

        def note(drop: Drop) -> None:
            self._tell(lambda known: known.drops(name_of(drop.epoch), drop.first, drop.last, drop.cause.value))

        def noted(drop: Drop) -> None:
            note(drop)
            add(drop)

        for drop in drops:
            note(drop)
        drops.add = noted  # type: ignore[method-assign]

    def _tell(self, tell: Callable[[Knowledge], None]) -> None:
        self.facts.append(Fact(len(self.recording.operations), tell))
        tell(self.known)

    def _running(self) -> Outbox:
        if self.box is None:
            raise ValueError("nothing runs there")
        return self.box


def _check_order(after: Position | None, items: list[Stored | Gap]) -> None:
    places = [] if after is None else [(name_of(after.epoch), int(after.seq))]
    for item in items:
        if isinstance(item, Stored):
            places.append((name_of(item.position.epoch), int(item.position.seq)))
        elif item.from_seq is not None and item.to_seq is not None:
            places += [(name_of(item.epoch), item.from_seq), (name_of(item.epoch), item.to_seq)]
    for one, following in pairwise(places):
        if one > following:
            raise Broken(f"{following} comes after {one}")
