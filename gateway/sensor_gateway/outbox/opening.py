"""Builds the outbox from what is on disk: directories, locks, recovery, and all its parts, joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.outbox.alarm import Alarm, Retry
from sensor_gateway.outbox.clocks.clock_file import ClockFile
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.files.cold_reader import ColdReader
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.hot import HotContents, HotHeader, HotJournal, read_hot
from sensor_gateway.outbox.files.loaded import Loaded
from sensor_gateway.outbox.files.locks import AlreadyRunning, DirectoryLock
from sensor_gateway.outbox.files.segment_writer import FLUSH, SegmentWriter
from sensor_gateway.outbox.files.syncer import Syncer, ThreadSyncer
from sensor_gateway.outbox.identity import (
    EPOCH,
    IDENTITY,
    EpochMark,
    Machine,
    epoch_text,
    identity_text,
    store_epoch,
)
from sensor_gateway.outbox.reader import Reader
from sensor_gateway.outbox.recovery import Places, Recovery, epoch_after
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.outbox.tiers.clearance import Clearance, ColdParts
from sensor_gateway.outbox.tiers.hot_copy import Copied, HotCopy
from sensor_gateway.outbox.tiers.limits import Limits
from sensor_gateway.outbox.tiers.lookout import Lookout
from sensor_gateway.outbox.tiers.outlook import full_in_s
from sensor_gateway.outbox.tiers.purge import Purge
from sensor_gateway.outbox.tiers.spill import Spill
from sensor_gateway.outbox.tiers.tiers import TierParts, Tiers
from sensor_gateway.outbox.tiers.waiting import put_cursor_on_flash, put_on_flash

ALARMS: Final = ("outbox_flash", "outbox_hot", "outbox_room", "outbox_reading")

_WITHOUT_STATE: Final = (
    "until it can be used, which is tried again and again, no event that waits outlives a power cut; "
    "make it a directory that this user may write to"
)
_WITHOUT_HOT: Final = (
    "until it can be used, each event goes to the card at once, and is in this process alone until the card has it; "
    "make it a directory that this user may write to, or name another one as outbox.hot_directory"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """How the outbox reaches the disk, and who waits for the medium. ``is_woken``: a sync calls for a turn."""

    disk: Disk
    syncer: Syncer
    is_woken: bool

    @classmethod
    def real(cls, wake: Callable[[], None] | None = None) -> Hands:
        """The real disk, a thread that syncs, and whom to wake after each sync (from that thread)."""
        disk = Disk()
        return cls(disk=disk, syncer=ThreadSyncer(disk, wake or _nobody), is_woken=wake is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and as what an outbox is opened."""

    places: Places
    gateway: str
    settings: OutboxSettings
    clock: Clock
    machine: Machine
    log: Log
    hands: Hands


class Opened:
    """An outbox's parts, joined; its owner drives them. ``is_bare``: nothing was on flash."""

    def __init__(self, setting: Setting, before: Opened | None = None) -> None:
        """Lock, recover, join. AlreadyRunning where another process owns a directory.

        What was opened ``before`` hands over its locks, counters and alarms.
        """
        disk, log, places = setting.hands.disk, setting.log, setting.places
        self._disk, self._log = disk, log
        self._monotonic = setting.clock.monotonic
        self._locks: list[DirectoryLock] = before._locks if before else _lock(disk, places, log)  # noqa: SLF001 (of the same kind)
        self.settings: OutboxSettings = before.settings if before else _effective(setting)
        self._directory, hot_path = places.usable(disk, log)
        contents, self._hot_failure = _read_hot(disk, hot_path)
        if not any(lock.directory == places.hot_directory for lock in self._locks):
            # Another instance may be writing this journal, and giving out what comes next.
            contents = replace(contents, next_seq=None)
        self._standing = None if contents.header is None else contents.header.epoch
        self._digest = contents.digest
        recovery = Recovery(disk, self._directory, contents, self.settings, log)
        self.recovered = recovery.decide(setting.machine)
        self._machine = setting.machine
        self.alarms: dict[str, Alarm] = before.alarms if before else {name: Alarm(log, name) for name in ALARMS}
        self.counters: OutboxCounters = before.counters if before else OutboxCounters()
        self._quarantine = recovery.quarantine
        self._is_usable = recovery.failure is None
        self._taken = recovery.taken
        self.is_bare = recovery.cursor.newest is None and not recovery.shelf.segments
        if recovery.failure is None:
            self.alarms["outbox_flash"].clear()
        else:
            self.alarms["outbox_flash"].raise_for(directory=str(self._directory), error=str(recovery.failure))
        self.reader, self.tiers, self._parts = self._join(setting, recovery, hot_path)
        parts = self._parts
        self.purge = Purge(parts.cold, parts.tail, parts.clearance, log) if self._is_usable else None
        self.lookout = Lookout(parts, self._locks, _directories(places), self._texts, log)

    @property
    def is_loaded(self) -> bool:
        """Whether the directory on flash could be read, and is in use."""
        return self._is_usable

    @property
    def clocks(self) -> ClockFile | None:
        """What is kept of the clocks of boots; None where the directory may not be used."""
        return self._parts.clocks if self._is_usable else None

    def can_load(self) -> bool:
        """Whether it could be read now."""
        return Loaded(self._disk, self._directory, self.settings, self._log).failure is None

    def header(self, next_seq: int) -> HotHeader:
        """The hot journal's header as of now."""
        recovered = self.recovered
        return HotHeader(
            boot=self._machine.boot_bytes,
            directory=bytes.fromhex(recovered.identity.directory_id),
            epoch=recovered.epoch,
            next_seq=next_seq,
        )

    @property
    def full_in_s(self) -> float | None:
        """How long the room on flash lasts. See ``outlook``."""
        return full_in_s(self._parts.cold, self.settings)

    def put_on_flash(self, within_s: float) -> bool:
        """Write all that is in memory, and wait until it is safe; False where that fails or takes too long."""
        return put_on_flash(self.tiers, self._parts, within_s, self._monotonic())

    def note_taken(self) -> None:
        """All that the hot journal had is on flash: if it could not be replaced, no later start takes it in again."""
        if self._digest and self._digest != self._taken and not self.tiers.is_hot:
            before, self._taken = self._taken, self._digest
            if not store_epoch(self._disk, self._directory, self._mark(), self._log):
                self._taken = before

    def end_epoch(self, last_seq: int, within_s: float) -> bool:
        """Put on flash that the epoch ended with this seq, if nothing of it is anywhere else; whether it did."""
        if not self._is_usable or self._parts.tail.first is not None:
            return False
        if not put_cursor_on_flash(self.tiers, self._parts, within_s, self._monotonic()):
            return False
        return store_epoch(self._disk, self._directory, self._mark(last_seq), self._log)

    def begin_epoch(self) -> bool:
        """Leave the epoch for a new one; whether that one is on flash. It is used even where it cannot be put there."""
        self.recovered.epoch = epoch = epoch_after(self.recovered.epoch)
        self._log.error("outbox_epoch_left", now=str(epoch), reason="its journal can neither be written nor removed")
        return self._is_usable and store_epoch(self._disk, self._directory, self._mark(), self._log)

    def release(self) -> None:
        """Let others have the directories."""
        while self._locks:
            self._locks.pop().release()

    def _join(self, setting: Setting, recovery: Recovery, hot_path: Path | None) -> tuple[Reader, Tiers, TierParts]:
        recovered, settings, hands = self.recovered, self.settings, setting.hands
        retry = Retry(self.alarms["outbox_flash"])
        if recovery.unsynced is not None:
            retry.failed(FLUSH, recovery.unsynced, self._monotonic())
        hot = self._hot(hot_path)
        cold = ColdParts(
            disk=hands.disk,
            shelf=recovery.shelf,
            writer=SegmentWriter(hands.disk, recovery.shelf, hands.syncer, has_copies=hot is not None),
            cursor=recovery.cursor,
            syncer=hands.syncer,
            marks=recovered.marks,
            drops=recovered.drops,
            counters=self.counters,
            retry=retry,
        )
        clearance = Clearance(cold, settings, pending=recovered.pending_in_cold)
        parts = TierParts(
            tail=recovered.tail,
            marks=recovered.marks,
            hot=hot,
            cold=cold,
            spill=Spill(cold, recovered.tail, clearance, settings, self.alarms["outbox_room"]),
            clearance=clearance,
            limits=Limits(recovered.tail, cold, clearance, settings),
            clocks=ClockFile(hands.disk, self._directory, hands.syncer),
            retry=retry,
            boot=int(setting.machine.boot, 16),
            is_woken=hands.is_woken,
            can_spill=self._is_usable and settings.durability is not Durability.MEMORY,
        )

        cold_reader = ColdReader(hands.disk, recovery.shelf, self._report_damage)
        reader = Reader(cold=cold_reader, tail=recovered.tail, marks=recovered.marks, drops=recovered.drops)
        return reader, Tiers(parts, settings, setting.clock.monotonic), parts

    def _mark(self, ended_at: int | None = None) -> EpochMark:
        return EpochMark(epoch=self.recovered.epoch, ended_at=ended_at, taken=self._taken)

    def _texts(self) -> Mapping[Path, bytes]:
        """The small files that tell who this is, as they should be."""
        if not self._is_usable:
            return {}
        # Where the directory is now: somebody may have removed it, and it was made anew.
        identity = replace(self.recovered.identity, node=self._disk.node(self._directory))
        return {
            self._directory / IDENTITY: identity_text(identity),
            self._directory / EPOCH: epoch_text(self._mark()),
        }

    def _report_damage(self, generation: int, place: int, data: bytes) -> None:
        if self._quarantine.keep(f"{generation:016d}", place, data):
            self.counters.damaged += 1

    def _hot(self, path: Path | None) -> HotCopy | None:
        if path is None or self.settings.durability is Durability.MEMORY:
            return None
        journal = HotJournal(self._disk, path)
        retry = Retry(self.alarms["outbox_hot"])
        recovered = self.recovered
        copied = Copied(tail=recovered.tail, marks=recovered.marks, drops=recovered.drops)
        copy = HotCopy(journal, copied, retry, self._standing)
        if self._hot_failure is not None:
            copy.leave_unread(self._hot_failure, self._monotonic())
        return copy


def _effective(setting: Setting) -> OutboxSettings:
    settings = setting.settings
    if setting.places.hot_directory is None and settings.durability is Durability.SPILL:
        setting.log.warning(
            "outbox_has_no_hot_directory",
            durability=Durability.ALWAYS.value,
            reason="no directory in memory is known to outlive this process, so each event goes to the card at once, "
            "and is in this process alone until the card has it; name one as outbox.hot_directory, or run under "
            "systemd with RuntimeDirectory=",
        )
        return replace(settings, durability=Durability.ALWAYS)
    return settings


def _read_hot(disk: Disk, path: Path | None) -> tuple[HotContents, OSError | None]:
    """What the hot journal holds, or why it cannot be read."""
    try:
        return HotContents() if path is None else read_hot(disk, path), None
    except OSError as error:
        return HotContents(), error


def _lock(disk: Disk, places: Places, log: Log) -> list[DirectoryLock]:
    """Take both directories, or neither. One that cannot be used at all does not stop the start."""
    locks: list[DirectoryLock] = []
    for directory in _directories(places):
        try:
            disk.make_directory(directory)
            locks.append(DirectoryLock(directory))
        except AlreadyRunning:
            for lock in locks:
                lock.release()
            raise
        except OSError as error:
            log.error(  # noqa: TRY400
                "outbox_directory_not_usable",
                directory=str(directory),
                reason=error.strerror or str(error),
                mind=_WITHOUT_STATE if directory == places.state_directory else _WITHOUT_HOT,
            )
    return locks


def _directories(places: Places) -> list[Path]:
    return [directory for directory in (places.state_directory, places.hot_directory) if directory is not None]


def _nobody() -> None:
    """Nobody is waiting to be woken."""
