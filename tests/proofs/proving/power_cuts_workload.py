"""One life of a gateway's outbox on a disk that is logged: the child process of the power cut proof.

It says on standard output, line by line, how far flash went when it began (B), what it took in (A), what it is about to
acknowledge (K, or U while that is being synced), what was dropped (D), and how far all is safe (S), each time with the
log's count of entries. Time is virtual and stands still while a sync is under way, so that how long a sync takes has no
part in what is promised. It is started with one argument, a JSON object (``Life``).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving.block_log import count_in
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, Quality, Reason
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.shelf import is_passed
from sensor_gateway.outbox.files.syncer import SyncAnswer, SyncJob, ThreadSyncer
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers.clearance import Clearance
from sensor_gateway.simulation.virtual_clock import VirtualClock

LONGEST_STEP_S = 0.6


@dataclass(frozen=True, kw_only=True)
class Life:
    """Where and how one life is lived, and how it ends: ``killed``, ``stopped``, or ``shut_down`` with the machine."""

    state: str
    hot: str | None
    log: str
    boot: str
    seed: int
    start_s: float
    steps: int
    end: str
    settings: dict[str, Any]
    flaw: str = ""


def settings_of(facts: Mapping[str, Any]) -> OutboxSettings:
    """Settings from what JSON holds of them."""
    durability = Durability(facts.get("durability", Durability.SPILL))
    return OutboxSettings(**{"keep_free": 0, **facts, "durability": durability})


class DiskWithoutSync(Disk):
    """A negative control: nobody waits for the medium."""

    def sync_data(self, descriptor: int) -> None:
        pass

    def sync(self, descriptor: int) -> None:
        pass


class DiskWithoutNames(Disk):
    """A negative control: data is synced, and the directory is not."""

    def sync(self, descriptor: int) -> None:
        pass


def free_before_the_cursor_is_safe(self: Clearance, now_s: float) -> None:
    """A negative control: segments go as soon as they are acknowledged, and nobody keeps the cursor."""
    shelf, marks = self._parts.shelf, self._parts.marks
    mark = Position(epoch=marks.epoch, seq=Seq(marks.seq))
    while shelf.segments and is_passed(shelf.segments, 0, mark) and not self._parts.writer.holds(shelf.segments[0]):
        self._release(shelf.segments[0])


class WatchedSyncer(ThreadSyncer):
    """The real one, which knows whether a sync is under way."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk, lambda: None)
        self._submitted = self._answered = 0

    @property
    def is_busy(self) -> bool:
        return self._submitted > self._answered

    def submit(self, job: SyncJob) -> None:
        self._submitted += 1
        super().submit(job)

    def answers(self) -> list[SyncAnswer]:
        found = super().answers()
        self._answered += len(found)
        return found

    def wait(self, timeout_s: float) -> list[SyncAnswer]:
        deadline = time.monotonic() + timeout_s
        while not (found := self.answers()) and time.monotonic() < deadline:
            time.sleep(0.0003)
        return found


class Silence:
    """A Log that keeps nothing."""

    def info(self, event: str, /, **facts: object) -> None:
        pass

    debug = warning = error = info


class Gateway:
    """Drives an outbox as a publisher would, in phases, and reports."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.chance = random.Random(life.seed)
        self.clock = VirtualClock(start_s=life.start_s, boot_s=life.start_s)
        self.log = os.open(life.log, os.O_RDONLY)
        self.reports: list[str] = []
        disk = {"no_sync": DiskWithoutSync, "no_names": DiskWithoutNames}.get(life.flaw, Disk)()
        self.syncer = WatchedSyncer(disk)
        self.box = Outbox.open(
            state_directory=Path(life.state),
            hot_directory=Path(life.hot) if life.hot else None,
            gateway="gw",
            settings=settings_of(life.settings),
            clock=self.clock,
            machine=Machine(boot_id=life.boot, hardware_id="x"),
            log=Silence(),
            hands=Hands(disk=disk, syncer=self.syncer, is_woken=False),
        )
        self.sources = [
            Source(
                sensor=f"sensor-{number}",
                channel=Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1),
            )
            for number in range(8)
        ]
        self.in_flight: list[Stored | Gap] = []
        self.after: Position | None = None
        self.known_drops: set[tuple[object, int, int, str]] = set()
        last = self.box._opened._parts.cold.shelf.last
        self.report("B", *((last.epoch, last.seq) if last else ("-", 0)), 0)
        if self.box._opened.recovered.is_new_epoch:
            self.report("A", self.box.epoch, 1, 0)
        self.report_safety()

    def report(self, *words: object) -> None:
        self.reports.append(" ".join(map(str, (*words, count_in(self.log), f"{self.clock.monotonic():.3f}"))))

    def report_safety(self) -> None:
        """Everything that was taken in before the first event in memory is safe, or acknowledged, or dropped."""
        for drop in self.box._opened.recovered.drops:
            key = (drop.epoch, drop.first, drop.last, str(drop.cause))
            if key not in self.known_drops:
                self.known_drops.add(key)
                self.report("D", drop.epoch, drop.first, drop.last, drop.cause)
        first = self.box._opened._parts.tail.first
        unsafe = (first.epoch, first.first_seq) if first else ("-", 0)
        mark = self.box.acknowledged_through
        self.report("S", *unsafe, *((mark.epoch, mark.seq) if mark else ("-", 0)))
        os.write(1, "".join(f"{line}\n" for line in self.reports).encode())
        self.reports.clear()

    def append(self) -> None:
        events = [
            ChangeEvent(
                source=self.chance.choice(self.sources),
                value=self.chance.random() * 1000,
                quality=Quality.GOOD,
                reason=Reason.CHANGE,
                code=None,
                stamp=self.clock.stamp(),
            )
            for _ in range(self.chance.choice((1, 1, 2, 10, 30)))
        ]
        for stored in self.box.append(events):
            self.report("A", stored.position.epoch, stored.position.seq, zlib.crc32(stored.body))
        self.report_safety()

    def read(self) -> None:
        if len(self.in_flight) < 200:
            items = self.box.read(self.after, max_events=self.chance.randint(1, 120), max_bytes=10**5)
            self.in_flight += items
            for item in items:
                if isinstance(item, Stored):
                    self.after = item.position
                elif item.to_seq is not None:
                    self.after = Position(epoch=item.epoch, seq=Seq(item.to_seq))

    def acknowledge(self) -> None:
        """Most of what is in flight, in no order."""
        self.chance.shuffle(self.in_flight)
        for _ in range(len(self.in_flight) * 4 // 5 + 1):
            item = self.in_flight.pop() if self.in_flight else None
            if isinstance(item, Stored):
                epoch, seq = item.position.epoch, item.position.seq
                self.report("U" if self.is_unsafe(item.position) else "K", epoch, seq, seq)
                self.box.acknowledge(item.position, item.position)
            elif item is not None and item.from_seq is not None and item.to_seq is not None:
                self.report("K", item.epoch, item.from_seq, item.to_seq)
                first = Position(epoch=item.epoch, seq=Seq(item.from_seq))
                self.box.acknowledge(first, Position(epoch=item.epoch, seq=Seq(item.to_seq)))

    def is_unsafe(self, place: Position) -> bool:
        """Whether an event is not known to be on flash: a cut may take it, and leave what was written after it."""
        first = self.box._opened._parts.tail.first
        return first is not None and (first.epoch, first.first_seq) <= (place.epoch, place.seq)

    def write_back(self) -> None:
        """What a kernel does at any time: one file's pages go to the disk, in front of others', and without a flush."""
        path = self.chance.choice([path for path in Path(self.life.state, "outbox").iterdir() if path.is_file()])
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)

    def step(self, phase: str) -> None:
        if self.syncer.is_busy:
            time.sleep(0.0003)
        else:
            self.clock.advance(self.chance.uniform(0.05, LONGEST_STEP_S))
        if phase != "idle" and self.chance.random() < (0.1 if self.syncer.is_busy else 0.8):
            self.append()
        if phase in {"online", "drain"}:
            self.read()
            if phase == "online" or self.chance.random() < 0.5:
                self.acknowledge()
        if self.chance.random() < 0.01:
            self.in_flight, self.after = [], None
        self.box.tend()
        if self.chance.random() < 0.1:
            self.write_back()
        self.report_safety()

    def live(self) -> None:
        done = 0
        while done < self.life.steps:
            phase = self.chance.choice(("offline", "offline", "drain", "drain", "online", "idle"))
            for _ in range(self.chance.randint(5, 40)):
                self.step(phase)
                done += not self.syncer.is_busy
        if self.life.end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        self.box.close(to_flash=self.life.end == "shut_down")
        self.report_end()

    def report_end(self) -> None:
        """After a shutdown everything is safe, wherever it was."""
        if self.life.end == "shut_down":
            mark = self.box.acknowledged_through
            self.report("S", "-", 0, *((mark.epoch, mark.seq) if mark else ("-", 0)))
            os.write(1, f"{self.reports[0]}\n".encode())


if __name__ == "__main__":
    arguments = Life(**json.loads(sys.argv[1]))
    if arguments.flaw == "frees_early":
        Clearance._free = free_before_the_cursor_is_safe  # type: ignore[method-assign]
        Clearance._keep_cursor = lambda self, now_s: None  # type: ignore[method-assign]
    Gateway(arguments).live()
