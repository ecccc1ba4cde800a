"""Small real file systems that fill up and turn read-only, a medium that drops what it could not write, and a bench.

The bench runs an outbox in virtual time and keeps what it gave out, so that each event can be accounted for.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proving.logs import Journal
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, Quality, Reason
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import Syncer, SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.simulation.virtual_clock import VirtualClock

SMALL: dict[str, Any] = {
    "segment_size": 8192,
    "max_size": 64 * 8192,
    "hot_cap": 16 * 1024,
    "hot_slack": 4096,
    "keep_free": 0,
}
PAGE = 4096
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _run(*command: str) -> str:
    program = shutil.which(command[0], path=_PATH) or command[0]
    done = subprocess.run([program, *command[1:]], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def why_no_mounts(directory: Path) -> str:
    """A sentence that says why no small file system can be mounted here; empty where one can."""
    if os.geteuid() != 0:
        return "full and read-only file systems need mounts, and so root: run the same command with sudo"
    try:
        with tmpfs(directory / "try", "size=64k"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"full and read-only file systems need CAP_SYS_ADMIN, which is not given here: {error}"


@contextmanager
def tmpfs(path: Path, options: str) -> Iterator[Path]:
    """A small file system in memory, for as long as it is wanted."""
    path.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", options, "none", str(path))
    try:
        yield path
    finally:
        unmount(path)


@contextmanager
def ext4(directory: Path) -> Iterator[tuple[Path, Path]]:
    """A small ext4 that turns read-only at its first error: its mount, and its image."""
    image, path = directory / "image", directory / "ext4"
    path.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
    _run("mkfs.ext4", "-q", "-F", str(image))
    mount_image(image, path)
    try:
        yield path, image
    finally:
        unmount(path)


def mount_image(image: Path, path: Path) -> None:
    """Mount it, on a loop device that goes with the mount."""
    _run("mount", "-o", "loop,errors=remount-ro", str(image), str(path))


def repair(image: Path) -> None:
    """What a start of the machine does with a file system that has errors."""
    with suppress(subprocess.CalledProcessError):
        _run("e2fsck", "-fy", str(image))


def break_ext4(path: Path) -> None:
    """Let the kernel find an error in it: it is read-only from here on, whoever has files open."""
    device = Path(_run("findmnt", "-no", "SOURCE", str(path))).name
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")


def unmount(path: Path) -> None:
    """End a mount, whatever is still open in it."""
    try:
        _run("umount", str(path))
    except subprocess.CalledProcessError:
        with suppress(subprocess.CalledProcessError):
            _run("umount", "-l", str(path))


def remount(path: Path, how: str) -> None:
    """Mount again as ``ro`` or ``rw``."""
    _run("mount", "-o", f"remount,{how}", str(path))


def fill_up(path: Path) -> Path:
    """Somebody's file takes all that is left."""
    file = path / "foreign"
    with file.open("ab", buffering=0) as out, suppress(OSError):
        for size in (PAGE, 1):
            while out.write(bytes(size)):
                pass
    return file


def use_up_inodes(path: Path) -> Path:
    """Somebody's many files leave no place for another name."""
    directory = path / "foreign"
    with suppress(OSError):
        directory.mkdir()
        for number in range(10_000):
            (directory / f"{number}").touch()
    return directory


class PromptDisk(Disk):
    """The real disk without its waiting, which knows what is open, so that a process can be killed."""

    def __init__(self) -> None:
        self.open_now: dict[int, Path] = {}
        self.believed_free: int | None = None

    def open(self, path: Path, flags: int) -> int:
        descriptor = super().open(path, flags)
        self.open_now[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        del self.open_now[descriptor]
        super().close(descriptor)

    def sync_data(self, descriptor: int) -> None:
        pass

    def sync(self, descriptor: int) -> None:
        pass

    def free_bytes(self, path: Path) -> int:
        """``believed_free`` where set: then nobody stops before the system refuses."""
        return super().free_bytes(path) if self.believed_free is None else self.believed_free

    def abandon(self) -> None:
        """What the kernel does when a process is killed."""
        for descriptor in [*self.open_now]:
            self.close(descriptor)


class ForgetfulDisk(PromptDisk):
    """A medium that can fail to write. ``fails``: numbers of syncs, from 1, that give EIO.

    The pages of a failed sync are clean in the kernel's eyes and never written; ``cut`` leaves what really was.
    """

    def __init__(self) -> None:
        super().__init__()
        self.syncs = 0
        self.fails: range = range(0)
        self.is_silent = False
        self.failed: list[int] = []
        self.rewritten: list[str] = []
        self._durable: dict[int, bytearray] = {}
        self._dirty: dict[int, set[int]] = {}
        self._suspect: set[int] = set()

    def open(self, path: Path, flags: int) -> int:
        descriptor = super().open(path, flags)
        if flags & os.O_CREAT:
            inode = os.fstat(descriptor).st_ino
            self._durable[inode], self._dirty[inode] = bytearray(), set()
            self._suspect.discard(inode)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        taken = super().write(descriptor, data)
        self._note(descriptor, os.fstat(descriptor).st_size - taken, taken)
        return taken

    def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        taken = super().write_at(descriptor, data, offset)
        self._note(descriptor, offset, taken)
        path = self.open_now[descriptor]
        if os.fstat(descriptor).st_ino in self._suspect and path.suffix == ".seg" and any(data):
            self.rewritten.append(path.name)
        return taken

    def sync_data(self, descriptor: int) -> None:
        self.syncs += 1
        status = os.fstat(descriptor)
        dirty = self._dirty.get(status.st_ino, set())
        if self.syncs in self.fails:
            self.failed.append(self.syncs)
            dirty.clear()
            self._suspect.add(status.st_ino)
            if self.is_silent:
                return
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        durable = self._durable.setdefault(status.st_ino, bytearray())
        durable.extend(bytes(max(status.st_size - len(durable), 0)))
        del durable[status.st_size :]
        for page in dirty:
            data = super().read_at(descriptor, PAGE, page * PAGE)
            durable[page * PAGE : page * PAGE + len(data)] = data
        dirty.clear()

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        if self.syncs in self.fails and not self.is_silent:
            self.failed.append(self.syncs)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def cut(self, directory: Path) -> None:
        """Leave in the files what is on the medium."""
        for path in directory.rglob("*"):
            if path.is_file() and (inode := path.stat().st_ino) in self._durable:
                path.write_bytes(self._durable[inode])

    def _note(self, descriptor: int, offset: int, count: int) -> None:
        inode = os.fstat(descriptor).st_ino
        pages = range(offset // PAGE, (offset + max(count, 1) - 1) // PAGE + 1)
        self._dirty.setdefault(inode, set()).update(pages)


@dataclass
class Bench:
    """One gateway's outbox over any number of starts and ends, and all that it ever gave out and delivered."""

    state: Path
    hot: Path | None
    disk: PromptDisk = field(default_factory=PromptDisk)
    syncer: Syncer | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(boot_s=1000.0))
    log: Journal = field(default_factory=Journal)
    box: Any = None
    said: int = 0
    boots: int = 1
    given_out: dict[Position, bytes] = field(default_factory=dict)
    given_at: dict[Position, float] = field(default_factory=dict)
    got: dict[Position, bytes] = field(default_factory=dict)
    announced: set[Position] = field(default_factory=set)
    causes: set[str] = field(default_factory=set)
    refused: int = 0
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1)
        self._sources = [Source(sensor=f"s{number}", channel=channel) for number in range(3)]

    @property
    def flash(self) -> Path:
        return self.state / "outbox"

    def open(self) -> Outbox:
        self.box = Outbox.open(
            state_directory=self.state,
            hot_directory=self.hot,
            gateway="gw",
            settings=OutboxSettings(**{**SMALL, **self.settings}),
            clock=self.clock,
            machine=Machine(boot_id=f"{self.boots:08x}-2fa1-11d2-883f-0016d3cca427", hardware_id="test"),
            log=self.log,
            hands=Hands(disk=self.disk, syncer=self.syncer or SyncerInPlace(self.disk), is_woken=False),
        )
        return self.box

    def say(self, count: int) -> None:
        """Events whose value is a running number; what is given out must be new."""
        events = [
            ChangeEvent(
                source=self._sources[number % 3],
                value=float(number),
                quality=Quality.GOOD,
                reason=Reason.CHANGE,
                code=None,
                stamp=self.clock.stamp(),
            )
            for number in range(self.said + 1, self.said + count + 1)
        ]
        self.said += count
        for stored in self.box.append(events):
            if self.given_out.setdefault(stored.position, stored.body) != stored.body:
                self.faults.append(f"{stored.position} was given out twice")
            self.given_at[stored.position] = self.clock.monotonic()

    def live(self, turns: int, *, events: int = 5, step_s: float = 3.0) -> None:
        """Offline: events, time and turns."""
        for _ in range(turns):
            if events:
                self.say(events)
            self.clock.advance(step_s)
            self.box.tend()

    def drain(self) -> None:
        """Online: take what waits, and acknowledge it."""
        while items := self.box.read(None, max_events=25, max_bytes=10**6):
            for item in items:
                self._take(item)
            self.box.tend()

    def kill(self) -> None:
        """kill -9."""
        if self.box is not None:
            self.box._opened.release()
            self.disk.abandon()
            self.box = None

    def cut(self) -> None:
        """A power cut: memory is gone, another boot begins."""
        self.kill()
        if self.hot is not None:
            for path in self.hot.glob("hot*"):
                path.unlink()
        self.boots += 1
        self.clock.set_boot(5.0)

    def missing(self, through: float | None = None) -> list[Position]:
        """What was given out by a moment, and neither came nor was announced as missing."""
        return [
            position
            for position in self.given_out
            if position not in self.got
            and position not in self.announced
            and (through is None or self.given_at[position] <= through)
        ]

    def judge(self) -> list[str]:
        """Everything that was said is accounted for: delivered, announced, or refused and counted."""
        found = [*self.faults]
        if missing := self.missing():
            found.append(f"{len(missing)} neither came nor were announced: {missing[0].epoch}:{missing[0].seq} ...")
        values = {json.loads(body).get("value") for body in self.given_out.values()}
        unsaid = self.said - len(values - {None})
        if unsaid != self.refused:
            found.append(f"{unsaid} were refused, and {self.refused} were announced as refused")
        return found

    def _take(self, item: Any) -> None:
        if isinstance(item, Gap):
            self.causes.add(item.cause.value)
            if item.from_seq is None or item.to_seq is None:
                self.refused += item.count
                return
            places = [_at(item.epoch, seq) for seq in range(item.from_seq, item.to_seq + 1)]
            if item.count != len(places):
                self.faults.append(f"a gap of {item.count} spans {len(places)}")
            self.announced.update(places)
            self.box.acknowledge(places[0], places[-1])
            return
        if self.given_out.get(item.position, item.body) != item.body:
            self.faults.append(f"{item.position} came with another content")
        self.got[item.position] = item.body
        self.box.acknowledge(item.position, item.position)


def _at(epoch: Epoch, seq: int) -> Position:
    return Position(epoch=epoch, seq=Seq(seq))


def positions(bench: Bench, values: Sequence[int]) -> list[Position]:
    """Where the events with these values stand."""
    by_value = {json.loads(body).get("value"): position for position, body in bench.given_out.items()}
    return [by_value[float(value)] for value in values if float(value) in by_value]
