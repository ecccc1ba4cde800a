"""Prints what the outbox writes to a card: bytes to the block device per event, ext4's journal included.

usage: sudo python benchmarks/flash_bytes.py [--seconds 120] [--rate 10]

Each row is an ext4 of its own, with its default options, on a loop device; all run side by side in real time, because
ext4 commits its journal every 5 s. Bytes and flushes are the device's own count (/sys/block/loopN/stat) between two
``syncfs``. What is paid once (the zeros of the first segment, names) falls before the first of them and is told apart.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.quantity import QUANTITIES
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.inspection.looking import Unheard
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.service.system_clock import SystemClock

IMAGE_SIZE = 96 * 1024 * 1024
SETTLE_S = 20.0
CHANNELS = (
    ("temperature", 21.0, 0.4, 2),
    ("humidity", 48.0, 1.5, 2),
    ("pressure", 1003.0, 0.8, 2),
    ("illuminance", 320.0, 60.0, 1),
)
CLOCK = SystemClock()


class Sensors:
    """Eight sensors with four channels each, whose values wander and are noisy."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - noise
        self._sources = [
            (Source(sensor=f"{place}-{number}", channel=_channel(name)), middle, spread, digits)
            for number, place in enumerate(["attic", "cellar", "kitchen", "greenhouse"] * 2)
            for name, middle, spread, digits in CHANNELS
        ]
        self._turn = 0

    def news(self) -> ChangeEvent:
        self._turn += 1
        source, middle, spread, digits = self._sources[self._turn % len(self._sources)]
        drift = spread * math.sin(self._turn / 500)
        value = round(middle + drift + self._chance.gauss(0, spread / 4), digits)
        return ChangeEvent(
            source=source, value=value, quality=Quality.GOOD, reason=Reason.CHANGE, code=None, stamp=CLOCK.stamp()
        )


def _channel(name: str) -> Channel:
    return Channel(name=name, quantity=QUANTITIES[name], low=-1e9, high=1e9, resolution=0.01)


class OutboxStore:
    """The outbox, with a broker that acknowledges at once, or with none."""

    def __init__(self, card: Path, hot: Path, *, is_online: bool, settings: OutboxSettings) -> None:
        self._is_online = is_online
        self._box = Outbox.open(
            state_directory=card,
            hot_directory=hot,
            gateway="greenhouse",
            settings=settings,
            clock=CLOCK,
            machine=Machine(boot_id=Path("/proc/sys/kernel/random/boot_id").read_text(), hardware_id="benchmark"),
            log=Unheard(),
        )

    def put(self, event: ChangeEvent) -> None:
        self._box.append([event])
        if self._is_online:
            for item in self._box.read(None, max_events=100, max_bytes=10**6):
                self._box.acknowledge(item.position, item.position)  # type: ignore[union-attr]
        self._box.tend()

    def close(self) -> None:
        self._box.close(to_flash=False)


class SqliteStore:
    """A table with a row per event, committed every 5 s, in the mode that survives a power cut."""

    def __init__(self, card: Path) -> None:
        self._base = sqlite3.connect(card / "queue.db", isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, body BLOB)")
        self._encoder = EventEncoder("greenhouse", "1b4e28ba")
        self._seq = 0
        self._commit_at_s = 0.0

    def put(self, event: ChangeEvent) -> None:
        self._seq += 1
        if not self._base.in_transaction:
            self._base.execute("BEGIN")
        body = self._encoder.value(event, "000001-7f3c9a2e", self._seq)
        self._base.execute("INSERT INTO queue (body) VALUES (?)", (body,))
        if time.monotonic() >= self._commit_at_s:
            self._commit_at_s = time.monotonic() + 5.0
            self._base.execute("COMMIT")

    def close(self) -> None:
        self._base.close()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A store on a file system."""

    name: str
    make: Callable[[Path, Path], OutboxStore | SqliteStore]
    block_size: int = 4096


@dataclass(frozen=True, kw_only=True)
class Card:
    """A mounted ext4 on a loop device of its own."""

    mount: Path
    device: str

    def written(self) -> tuple[int, int, int]:
        """Bytes, writes and flushes so far, with everything synced."""
        run("sync", "-f", str(self.mount))
        words = Path(f"/sys/block/{self.device}/stat").read_text().split()
        return int(words[6]) * 512, int(words[4]), int(words[15])


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def new_card(directory: Path, row: Row) -> Iterator[Card]:
    """Make a file system, mount it, and take all of it away again."""
    directory.mkdir()
    image, mount = directory / "image", directory / "card"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_SIZE)
    no_later = "lazy_itable_init=0,lazy_journal_init=0"
    run("mkfs.ext4", "-q", "-F", "-b", str(row.block_size), "-E", no_later, str(image))
    loop = run("losetup", "-f", "--show", str(image))
    try:
        run("mount", "-t", "ext4", loop, str(mount))
        try:
            yield Card(mount=mount, device=Path(loop).name)
        finally:
            run("umount", str(mount))
    finally:
        run("losetup", "-d", loop)


def outbox(*, is_online: bool, **changes: object) -> Callable[[Path, Path], OutboxStore]:
    """The outbox with these settings, on a card and in a directory in memory."""
    settings = OutboxSettings(keep_free=0, **changes)  # type: ignore[arg-type]
    return lambda card, hot: OutboxStore(card, hot, is_online=is_online, settings=settings)


def sqlite(card: Path, hot: Path) -> SqliteStore:  # noqa: ARG001 - it has no use for memory
    return SqliteStore(card)


ROWS = (
    Row(name="online", make=outbox(is_online=True)),
    Row(name="durability: always, online", make=outbox(is_online=True, durability=Durability.ALWAYS)),
    Row(name="offline", make=outbox(is_online=False)),
    Row(name="offline, flush_every 30 s", make=outbox(is_online=False, flush_every_s=30.0)),
    Row(name="offline, blocks of 1 KiB", make=outbox(is_online=False), block_size=1024),
    Row(name="SQLite WAL FULL, offline, commit every 5 s", make=sqlite),
    Row(name="SQLite the same, blocks of 1 KiB", make=sqlite, block_size=1024),
)


def fill(stores: list[OutboxStore | SqliteStore], sensors: Sensors, seconds: float, rate: float) -> int:
    """Give each event to all stores, in real time; gives how many."""
    pause, start = threading.Event(), time.monotonic()
    count = 0
    while (left := start + count / rate - time.monotonic()) < seconds and count < seconds * rate:
        pause.wait(max(left, 0))
        event = sensors.news()
        for store in stores:
            store.put(event)
        count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=10.0, help="events per second")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("mounting an ext4 on a loop device needs root: sudo python benchmarks/flash_bytes.py")
    rows = [row for row in ROWS if arguments.only in row.name]
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flash-bytes-")))
        memory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flash-bytes-", dir="/dev/shm")))
        cards = [stack.enter_context(new_card(root / str(n), row)) for n, row in enumerate(rows)]
        before = [card.written() for card in cards]
        stores = [row.make(card.mount, memory / str(n)) for n, (card, row) in enumerate(zip(cards, rows, strict=True))]
        sensors = Sensors(1)
        fill(stores, sensors, SETTLE_S, arguments.rate)
        start = [card.written() for card in cards]
        began_s = time.monotonic()
        count = fill(stores, sensors, arguments.seconds, arguments.rate)
        end = [card.written() for card in cards]
        seconds = time.monotonic() - began_s
        for store in stores:
            store.close()
    print(f"{count} events in {seconds:.0f} s")
    print(f"{'store':44} {'bytes/event':>11} {'MB/day':>8} {'writes/min':>10} {'flushes/min':>11} {'once, KiB':>10}")
    for row, zero, one, two in zip(rows, before, start, end, strict=True):
        written, writes, flushes = (b - a for a, b in zip(one, two, strict=True))
        per_event, per_day, once = written / count, written / seconds * 86_400 / 1e6, (one[0] - zero[0]) / 1024
        per_minute = f"{writes / seconds * 60:10.1f} {flushes / seconds * 60:11.1f}"
        print(f"{row.name:44} {per_event:11.1f} {per_day:8.1f} {per_minute} {once:10.0f}")


if __name__ == "__main__":
    main()
