"""A disk that writes down what it is asked to do, and what a power cut may leave of it.

qemu-storage-daemon serves a disk image through FUSE and logs each write and flush (``blklogwrites``, in the layout of
Linux' dm-log-writes); a loop device and an ext4 lie above it, and the program under test above those. A cut at entry K
leaves all up to the last flush before K; each later write is lost, torn at sectors, or there.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
IMAGE_SIZE = 16 * 1024 * 1024
_LOG_SIZE = 1024 * 1024 * 1024
_SUPERBLOCK = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_MAGIC = 0x6A736677736872
_EXT4_SUPERBLOCK = range(2, 4)
_PROGRAMS = {
    "qemu-storage-daemon": "qemu-system-common",
    "fusermount3": "fuse3",
    "mkfs.ext4": "e2fsprogs",
    "losetup": "mount",
    "mount": "mount",
    "umount": "mount",
}
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def what_is_missing() -> str:
    """A sentence that says why no power can be cut here, and what to do about it; empty where it can."""
    missing = {package for program, package in _PROGRAMS.items() if shutil.which(program, path=_PATH) is None}
    if missing:
        return f"power cuts need programs of other packages: sudo apt-get install {' '.join(sorted(missing))}"
    if os.geteuid() != 0:
        return "power cuts need loop devices and mounts, and so root: run the same command with sudo"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.access(device, os.R_OK | os.W_OK):
            return f"power cuts need {device}: modprobe {Path(device).name.split('-')[0]}; in a container, pass it in"
    try:
        with scratch() as directory, mounted(new_file_system(), directory):
            return ""
    except subprocess.CalledProcessError as error:
        return f"power cuts need CAP_SYS_ADMIN, which this container has not: {error.stderr.strip()}"


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory in memory where there is one: what is on this machine's own disk is not the question."""
    shared = Path("/dev/shm")  # noqa: S108 - a directory is made in it, with a name of its own
    with tempfile.TemporaryDirectory(prefix="power-cuts-", dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


def new_file_system() -> bytes:
    """An empty ext4 with blocks of 4 KiB, as cards have them, and nothing left to be initialised later."""
    with scratch() as directory:
        image = directory / "image"
        with image.open("wb") as file:
            file.truncate(IMAGE_SIZE)
        now = "lazy_itable_init=0,lazy_journal_init=0"
        _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", now, str(image))
        return image.read_bytes()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the disk was asked to do: where (in bytes), how, and with which data."""

    offset: int
    flags: int
    data: bytes


class LoggedDisk:
    """A mounted disk whose log grows. ``log`` is its file, ``mount`` where it is mounted."""

    def __init__(self, mount: Path, log: Path) -> None:
        self.mount = mount
        self.log = log

    def flushed(self) -> int:
        """How many entries the log had at its newest flush."""
        with self.log.open("rb") as file:
            return count_in(file.fileno())

    def sync(self) -> int:
        """Have everything on the disk; gives how many entries that took."""
        _run("sync", "-f", str(self.mount))
        return self.flushed()

    def entries(self, count: int) -> list[Entry]:
        """The first entries of the log."""
        found: list[Entry] = []
        with self.log.open("rb") as file:
            magic, _, _, sector = _SUPERBLOCK.unpack(file.read(_SUPERBLOCK.size))
            assert (magic, sector) == (_MAGIC, SECTOR), "the log is not one of dm-log-writes' with sectors of 512 bytes"
            file.seek(SECTOR)
            for _ in range(count):
                at, sectors, flags, _ = _ENTRY.unpack(file.read(SECTOR)[: _ENTRY.size])
                length = sectors * SECTOR
                data = bytes(length) if flags & DISCARD else file.read(length)
                found.append(Entry(at * SECTOR, flags, data))
        return found


def count_in(log: int) -> int:
    """How many entries a log had at its newest flush, by its descriptor."""
    return _SUPERBLOCK.unpack(os.pread(log, _SUPERBLOCK.size, 0))[2]


@contextmanager
def logged_disk(base: bytes, directory: Path) -> Iterator[LoggedDisk]:
    """Serve a copy of an image, mount it, and end all of that again."""
    disk, log, export = directory / "disk", directory / "log", directory / "export"
    disk.write_bytes(base)
    with log.open("wb") as file:
        file.truncate(_LOG_SIZE)
    export.touch()
    command = [
        *(_which("qemu-storage-daemon"), "--blockdev", f"driver=file,node-name=f,filename={disk},cache.no-flush=on"),
        *("--blockdev", f"driver=file,node-name=l,filename={log},cache.no-flush=on"),
        *("--blockdev", "driver=blklogwrites,node-name=lw,file=f,log=l,log-sector-size=512"),
        *("--export", f"type=fuse,id=e,node-name=lw,mountpoint={export},writable=on"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as daemon:
        try:
            _wait_for_size(export, len(base), daemon)
            with _attached(export) as device, _mounted(device, directory / "mount", "commit=1") as mount:
                yield LoggedDisk(mount, log)
        finally:
            daemon.terminate()
            daemon.wait(10)
            with suppress(subprocess.CalledProcessError):
                if export.stat().st_size:
                    _run("umount", str(export))


@contextmanager
def mounted(image: bytes | bytearray, directory: Path) -> Iterator[Path]:
    """Mount an image, which lets ext4 recover, and end that again. CalledProcessError where it cannot be mounted."""
    file = directory / "image"
    file.write_bytes(image)
    with _attached(file) as device, _mounted(device, directory / "recovered", "defaults") as mount:
        yield mount


def image_after_cut(base: bytes, entries: Sequence[Entry], chance: random.Random) -> bytearray:
    """What a cut after these entries leaves on a disk that keeps its word about flushes, and no more than that."""
    image = bytearray(base)
    safe = max((index for index, entry in enumerate(entries) if entry.flags & FLUSH), default=-1)
    for index, entry in enumerate(entries):
        fate = chance.random() if index > safe and not entry.flags & FUA else 1.0
        if fate < 0.4:
            continue
        if fate < 0.6:
            _tear(image, entry, chance)
        else:
            image[entry.offset : entry.offset + len(entry.data)] = entry.data
    return image


def _tear(image: bytearray, entry: Entry, chance: random.Random) -> None:
    """Keep half of the sectors. ext4 itself takes for granted that its superblock (2 sectors) is never torn."""
    keeps_superblock = chance.random() < 0.5
    for start in range(0, len(entry.data), SECTOR):
        at = entry.offset + start
        keeps = keeps_superblock if at // SECTOR in _EXT4_SUPERBLOCK else chance.random() < 0.5
        if keeps:
            image[at : at + SECTOR] = entry.data[start : start + SECTOR]


@contextmanager
def _attached(file: Path) -> Iterator[str]:
    device = _run("losetup", "-f", "--show", str(file))
    try:
        yield device
    finally:
        _run("losetup", "-d", device)


@contextmanager
def _mounted(device: str, mount: Path, options: str) -> Iterator[Path]:
    mount.mkdir(exist_ok=True)
    _run("mount", "-t", "ext4", "-o", options, device, str(mount))
    try:
        yield mount
    finally:
        _run("umount", str(mount))


def _wait_for_size(file: Path, size: int, daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while file.stat().st_size != size:
        if daemon.poll() is not None or time.monotonic() > deadline:
            assert daemon.stderr
            raise AssertionError(f"qemu-storage-daemon serves nothing: {daemon.stderr.read().decode()}")
        time.sleep(0.01)


def _which(program: str) -> str:
    return shutil.which(program, path=_PATH) or program


def _run(program: str, *arguments: str) -> str:
    command = [_which(program), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
