"""One card and the machines it was ever in: an outbox that starts and ends there, and whatever befalls its files."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proving.sequence_disk import Killed, Trouble, TroubledDisk
from proving.sequence_judge import SequenceJudge, readable_epochs
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox import identity, opening, recovery
from sensor_gateway.outbox.files.locks import AlreadyRunning, DirectoryLock
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers import lookout
from sensor_gateway.simulation.virtual_clock import VirtualClock

_SOURCE = Source(
    sensor="s",
    channel=Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1),
)
_SETTINGS = {"segment_size": 4096, "max_size": 8 * 4096, "hot_cap": 8192, "hot_slack": 1024, "keep_free": 0}
_MOST_STRAYS = 100
_locks: list[DirectoryLock] = []


class Silence:
    """A Log that nobody reads."""

    def info(self, event: str, /, **facts: object) -> None:
        pass

    debug = warning = error = info


class NotedLock(DirectoryLock):
    """A lock that is found again when its process dies while it starts."""

    is_held = True

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        _locks.append(self)

    def release(self) -> None:
        if self.is_held:
            self.is_held = False
            super().release()


@dataclass(slots=True, kw_only=True)
class Host:
    """A machine with its directories, and the process that runs there, or does not."""

    state: Path
    hot: Path
    boot_id: str
    hardware: str
    disk: TroubledDisk
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(boot_s=1000.0))
    box: Outbox | None = None
    locks: list[DirectoryLock] = field(default_factory=list)
    true_boot: str = ""

    @property
    def flash(self) -> Path:
        return self.state / "outbox"

    @property
    def journal(self) -> Path:
        return self.hot / "hot.log"


class World:
    """``home`` is the first machine; ``others`` are those that a card or a memory was copied to, by name."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)
        self.troubles: dict[Path, Trouble] = {}
        self.judge = SequenceJudge()
        self.older_hot = b""
        self.number = 0
        self.boots = 0
        self.died = False
        self.must_go_on = self.is_touched = False
        self.must_know: tuple[Any, int] | None = None
        self.home = self.host(root / "state", root / "hot", "serial-1")
        self.others: dict[str, Host] = {}

    def host(self, state: Path, hot: Path, hardware: str) -> Host:
        boot = self.new_boot()
        disk = TroubledDisk(self.troubles)
        return Host(state=state, hot=hot, boot_id=boot, true_boot=boot, hardware=hardware, disk=disk)

    def new_boot(self) -> str:
        self.boots += 1
        return f"{self.boots:08x}-2fa1-11d2-883f-0016d3cca427"

    def hosts(self) -> list[Host]:
        return [self.home, *self.others.values()]

    def start(self, host: Host, durability: Durability = Durability.SPILL, *, has_hot: bool = True) -> bool:
        """Start an instance; False where it was refused because another one runs."""
        is_dead = Trouble.DEAD in self.troubles.values()
        hot = host.journal if has_hot else None
        readable = set() if is_dead else readable_epochs(host.state, hot)
        _locks.clear()
        try:
            box = Outbox.open(
                state_directory=host.state,
                hot_directory=host.hot if has_hot else None,
                gateway="gw",
                settings=OutboxSettings(**_SETTINGS, durability=durability),  # type: ignore[arg-type]
                clock=host.clock,
                machine=Machine(boot_id=host.boot_id, hardware_id=host.hardware),
                log=Silence(),
                hands=Hands(disk=host.disk, syncer=SyncerInPlace(host.disk), is_woken=False),
            )
        except AlreadyRunning:
            host.disk.abandon()
            return False
        except Killed:
            self.died = True
            self._died_starting(host, hot)
            return True
        host.box, host.locks = box, [*_locks]
        self.judge.began(box, readable)
        self._note_end(host)
        return True

    def append(self, host: Host, count: int = 2) -> None:
        box = self.running(host)
        try:
            self.judge.saw(box.append(self._news(host, count)))
        except Killed:
            self.died = True
            self._note_end(host, unsure=count)
            self.kill(host)
            return
        self._note_end(host)

    def read(self, host: Host, count: int, *, acknowledged: int) -> int:
        """Have events handed out, and acknowledge some of them; gives how many there were."""
        box = self.running(host)
        items = box.read(None, max_events=count, max_bytes=10**6)
        self.judge.saw(items)
        for item in items[:acknowledged]:
            if isinstance(item, Stored):
                box.acknowledge(item.position, item.position)
            elif item.from_seq is not None and item.to_seq is not None:
                first = Position(epoch=item.epoch, seq=Seq(item.from_seq))
                box.acknowledge(first, Position(epoch=item.epoch, seq=Seq(item.to_seq)))
        return len(items)

    def drain(self, host: Host) -> None:
        while host.box is not None and self.read(host, 50, acknowledged=50):
            self.tend(host)

    def tend(self, host: Host, seconds: float = 0.0) -> None:
        box = self.running(host)
        host.clock.advance(seconds)
        try:
            box.tend()
        except Killed:
            self.died = True
            self.kill(host)
            return
        except AlreadyRunning:
            # Its directories were removed, and somebody else has them now.
            self.kill(host)
            return
        host.locks = [*box._opened._locks]
        self._note_end(host)

    def close(self, host: Host, *, to_flash: bool) -> None:
        try:
            self.running(host).close(to_flash=to_flash)
        except Killed:
            self.died = True
        self.kill(host)

    def kill(self, host: Host) -> None:
        """kill -9: files stay as they are; descriptors and locks go."""
        if host.box is not None:
            for lock in [*host.locks, *host.box._opened._locks]:
                lock.release()
            host.disk.abandon()
            host.box, host.locks = None, []

    def boot(self, host: Host, *, keeps_hot: bool) -> None:
        """The machine goes down at once, and comes up."""
        self.kill(host)
        if not keeps_hot:
            shutil.rmtree(host.hot, ignore_errors=True)
            neighbour = self.others.get("neighbour")
            if neighbour is not None and host is self.home:
                self.kill(neighbour)
        host.boot_id = host.true_boot = self.new_boot()
        host.clock.set_boot(5.0)

    def settle(self) -> None:
        """Everything is mended, each machine goes on, is killed and goes on again: what was given twice shows now."""
        self.troubles.clear()
        for host in self.hosts():
            if host.box is not None:
                self.append(host)
                self.kill(host)
            if self.start(host):
                self.append(host)
                self.drain(host)
                self.kill(host)

    def end(self) -> None:
        for host in self.hosts():
            self.kill(host)

    def running(self, host: Host) -> Outbox:
        if host.box is None:
            raise ValueError("nothing runs there")
        return host.box

    def _news(self, host: Host, count: int) -> list[ChangeEvent]:
        self.number += count
        return [
            ChangeEvent(
                source=_SOURCE,
                value=float(number),
                quality=Quality.GOOD,
                reason=Reason.CHANGE,
                code=None,
                stamp=host.clock.stamp(),
            )
            for number in range(self.number - count, self.number)
        ]

    def _note_end(self, host: Host, *, unsure: int = 0) -> None:
        box = self.running(host)
        self.judge.note_end(box.epoch, box._intake.next_seq - 1, unsure=unsure)

    def _died_starting(self, host: Host, hot: Path | None) -> None:
        """The epoch that it wanted may be on flash, or in the journal, with the first events of its own."""
        for lock in _locks:
            lock.release()
        host.disk.abandon()
        for epoch in readable_epochs(host.state, hot) - self.judge.ends.keys():
            self.judge.note_end(epoch, 0, unsure=_MOST_STRAYS)


def predictable(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Take chance from a seed, and keep track of locks."""
    chance = random.Random(seed)
    secrets = SimpleNamespace(randbits=chance.getrandbits, token_hex=lambda count: chance.randbytes(count).hex())
    monkeypatch.setattr(identity, "secrets", secrets)
    monkeypatch.setattr(recovery, "secrets", secrets)
    for room in (opening, lookout):
        monkeypatch.setattr(room, "DirectoryLock", NotedLock)
