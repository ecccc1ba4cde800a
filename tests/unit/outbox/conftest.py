from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from proving.logs import Journal

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, Quality, Reason
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncAnswer, SyncerInPlace, SyncJob, perform
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.simulation.virtual_clock import VirtualClock

BOOT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
WRITING = ("open", "write", "write_at", "sync_data", "sync", "replace", "unlink", "make_directory")


class FaultyDisk(Disk):
    """The real disk, which fails on command, writes short, and writes down what it was asked to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.paths: dict[int, Path] = {}
        self.rule: Callable[[str, str], int | None] = lambda call, name: None
        self.shortest: int | None = None
        self.free = 10**12
        self.count = 0

    def fail(self, call: str, name: str = "", code: int = errno.EIO) -> None:
        """From now on, this call fails for each path that contains the name."""
        self.rule = lambda asked, path: code if asked == call and name in path else None

    def fail_at(self, number: int, code: int, *, lasting: bool) -> None:
        """The n-th writing call from now fails, and where lasting all after it."""
        start = self.count

        def rule(call: str, path: str) -> int | None:
            at = self.count - start
            return code if call in WRITING and (at == number or (lasting and at > number)) else None

        self.rule = rule

    def heal(self) -> None:
        self.rule = lambda call, name: None

    def abandon(self) -> None:
        """What the kernel does when a process is killed."""
        for descriptor in [*self.paths]:
            self.close(descriptor)

    def _check(self, call: str, path: Path) -> None:
        self.count += call in WRITING
        code = self.rule(call, str(path))
        if code is not None:
            raise OSError(code, os.strerror(code), str(path))
        if call != "stat":
            self.calls.append((call, path.name))

    def open(self, path: Path, flags: int) -> int:
        self._check("open", path)
        descriptor = super().open(path, flags)
        self.paths[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        self.paths.pop(descriptor)
        super().close(descriptor)

    def write(self, descriptor: int, data: bytes) -> int:
        self._check("write", self.paths[descriptor])
        return super().write(descriptor, data if self.shortest is None else data[: self.shortest])

    def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        self._check("write_at", self.paths[descriptor])
        return super().write_at(descriptor, data if self.shortest is None else data[: self.shortest], offset)

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        self._check("read_at", self.paths[descriptor])
        return super().read_at(descriptor, count, offset)

    def sync_data(self, descriptor: int) -> None:
        self._check("sync_data", self.paths[descriptor])

    def sync(self, descriptor: int) -> None:
        self._check("sync", self.paths[descriptor])

    def replace(self, source: Path, target: Path) -> None:
        self._check("replace", target)
        super().replace(source, target)

    def unlink(self, path: Path) -> None:
        self._check("unlink", path)
        super().unlink(path)

    def make_directory(self, path: Path) -> None:
        self._check("make_directory", path)
        super().make_directory(path)

    def stat(self, path: Path) -> os.stat_result:
        self._check("stat", path)
        return os.stat(path)  # noqa: PTH116

    def free_bytes(self, path: Path) -> int:
        return self.free


class HeldSyncer:
    """A syncer for a card that takes its time: nothing is answered before ``let_through``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.jobs: list[SyncJob] = []
        self._answers: list[SyncAnswer] = []
        self.is_held = True

    def submit(self, job: SyncJob) -> None:
        self.jobs.append(job)
        if not self.is_held:
            self.let_through()

    def let_through(self, error: OSError | None = None) -> None:
        for job in self.jobs:
            self._answers.append(perform(self._disk, job) if error is None else SyncAnswer(job=job, error=error))
        self.jobs = []

    def answers(self) -> list[SyncAnswer]:
        found, self._answers = self._answers, []
        return found

    def wait(self, timeout_s: float) -> list[SyncAnswer]:
        self.let_through()
        return self.answers()

    def stop(self) -> None:
        pass


@dataclass
class Site:
    """One gateway's directories, clock and machine, over any number of starts and ends."""

    root: Path
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(boot_s=1000.0))
    log: Journal = field(default_factory=Journal)
    boot_id: str = BOOT
    hardware_id: str = "100000001234abcd"
    has_hot: bool = True
    disk: FaultyDisk = field(default_factory=FaultyDisk)
    syncer: Any = None
    box: Outbox | None = None
    sources: list[Source] = field(default_factory=list)
    number: int = 0
    boots: int = 0

    def __post_init__(self) -> None:
        self.state = self.root / "state"
        self.hot = self.root / "hot"
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1)
        self.sources = [Source(sensor=f"s{number}", channel=channel) for number in range(3)]

    @property
    def flash(self) -> Path:
        return self.state / "outbox"

    def settings(self, **changes: Any) -> OutboxSettings:
        facts: dict[str, Any] = {
            "segment_size": 8192,
            "max_size": 8192 * 16,
            "hot_cap": 64 * 1024,
            "hot_slack": 4096,
            "keep_free": 0,
        }
        return OutboxSettings(**{**facts, **changes})

    def open(self, **changes: Any) -> Outbox:
        syncer = self.syncer or SyncerInPlace(self.disk)
        self.box = Outbox.open(
            state_directory=self.state,
            hot_directory=self.hot if self.has_hot else None,
            gateway="gw",
            settings=self.settings(**changes),
            clock=self.clock,
            machine=Machine(boot_id=self.boot_id, hardware_id=self.hardware_id),
            log=self.log,
            hands=Hands(disk=self.disk, syncer=syncer, is_woken=False),
        )
        return self.box

    def kill(self) -> None:
        """kill -9: files stay as they are, descriptors and locks go."""
        if self.box is not None:
            self.box._opened.release()
            self.disk.abandon()
            self.box = None

    def cut_power(self) -> None:
        """Like kill, and what is in memory is gone; another boot begins."""
        self.kill()
        shutil.rmtree(self.hot, ignore_errors=True)
        self.boots += 1
        self.boot_id = f"{self.boots:08x}{BOOT[8:]}"
        self.clock.set_boot(5.0)

    def news(self, count: int = 1, source: int = 0) -> list[ChangeEvent]:
        """Events whose value is a running number."""
        found = []
        for _ in range(count):
            self.number += 1
            found.append(
                ChangeEvent(
                    source=self.sources[source],
                    value=float(self.number),
                    quality=Quality.GOOD,
                    reason=Reason.CHANGE,
                    code=None,
                    stamp=self.clock.stamp(),
                )
            )
        return found

    def offline(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass with turns in it, and nobody who acknowledges."""
        assert self.box is not None
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            self.box.tend()

    def drain(self, *, max_events: int = 7) -> list[Stored | Gap]:
        """Read everything from the cursor on, acknowledge it, and give it."""
        assert self.box is not None
        found: list[Stored | Gap] = []
        while items := self.box.read(None, max_events=max_events, max_bytes=10**6):
            found += items
            self.acknowledge(items)
            self.box.tend()
        return found

    def acknowledge(self, items: Sequence[Stored | Gap]) -> None:
        assert self.box is not None
        for item in items:
            if isinstance(item, Stored):
                self.box.acknowledge(item.position, item.position)
            elif item.from_seq is not None and item.to_seq is not None:
                first = Position(epoch=item.epoch, seq=Seq(item.from_seq))
                self.box.acknowledge(first, Position(epoch=item.epoch, seq=Seq(item.to_seq)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A gateway that was never started."""
    place = Site(tmp_path)
    yield place
    place.disk.heal()
    place.kill()


@pytest.fixture
def slow_site(tmp_path: Path) -> Iterator[Site]:
    """A gateway whose card answers only when it is told to."""
    place = Site(tmp_path)
    place.syncer = HeldSyncer(place.disk)
    yield place
    place.disk.heal()
    place.kill()


@pytest.fixture
def new_site() -> Callable[[Path], Site]:
    """Makes gateways: for tests that need several, or one for each example."""
    return Site


@pytest.fixture
def new_syncer() -> Callable[[FaultyDisk], HeldSyncer]:
    """Makes syncers for cards that take their time."""
    return HeldSyncer
