"""What is there at the start: which directory, which identity, how far, and whether the same epoch may go on.

It reads little: two small files, the cursor, the first record of each segment, the last segment, and the hot journal.
Whatever it finds damaged costs that much and never the start.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch, Position
from sensor_gateway.outbox.drops import Drops, both
from sensor_gateway.outbox.files.cursor import CursorState
from sensor_gateway.outbox.files.disk import Disk, sync_directory
from sensor_gateway.outbox.files.hot import NAME, HotContents, read_hot, unacknowledged_in
from sensor_gateway.outbox.files.loaded import Loaded
from sensor_gateway.outbox.files.quarantine import Quarantine
from sensor_gateway.outbox.files.record import Header
from sensor_gateway.outbox.files.segment import Segment, first_of, headers, last_of
from sensor_gateway.outbox.files.shelf import index_for
from sensor_gateway.outbox.identity import (
    FORMAT,
    EpochMark,
    Identity,
    Machine,
    is_newer,
    read_epoch,
    read_identity,
    store_epoch,
    write_identity,
)
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.seam import behind, passed_over, settle
from sensor_gateway.outbox.settings import Durability, OutboxSettings
from sensor_gateway.outbox.tiers.tail import Tail

DIRECTORY_NAMES: Final = ("outbox", f"outbox-v{FORMAT}")
_HOT_BESIDE: Final = f"hot-v{FORMAT}.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The two directories that the outbox is given, and what of them it uses."""

    state_directory: Path
    hot_directory: Path | None

    def usable(self, disk: Disk, log: Log) -> tuple[Path, Path | None]:
        """The directory for flash and the path of the hot journal. What a newer version wrote is left untouched."""
        directory = self.state_directory / DIRECTORY_NAMES[0]
        if is_newer(disk, directory):
            beside = self.state_directory / DIRECTORY_NAMES[1]
            log.error("outbox_directory_of_a_newer_version_left_alone", directory=str(directory), used=str(beside))
            directory = beside
        if self.hot_directory is None:
            return directory, None
        hot = self.hot_directory / NAME
        try:
            is_newer_hot = read_hot(disk, hot).is_newer
        except OSError:
            is_newer_hot = False
        if is_newer_hot:
            log.error("outbox_hot_journal_of_a_newer_version_left_alone", path=str(hot))
            hot = self.hot_directory / _HOT_BESIDE
        return directory, hot


@dataclass(slots=True, kw_only=True)
class Recovered:
    """What an outbox starts from. ``is_new_epoch``: the epoch event comes first; ``strays`` need new positions."""

    identity: Identity
    epoch: Epoch
    next_seq: int
    is_new_epoch: bool
    previous: Epoch | None
    previous_last_seq: int | None
    marks: Marks
    drops: Drops
    tail: Tail
    strays: list[bytes]
    pending_in_cold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Border:
    """The end of the newest epoch: its next and last seq where they are known, and whether it may go on."""

    next_seq: int | None
    last_seq: int | None
    may_go_on: bool


class Recovery:
    """Looks at what is there, decides. ``failure``: nothing on flash may be touched; ``unsynced``: a sync failed."""

    def __init__(self, disk: Disk, directory: Path, hot: HotContents, settings: OutboxSettings, log: Log) -> None:
        """Load the directory."""
        self._disk = disk
        self._directory = directory
        known = read_epoch(disk, directory)
        self.taken = "-" if known is None else known.taken
        self._hot = hot = HotContents() if hot.digest == self.taken else hot
        self._settings = settings
        self._log = log
        loaded = Loaded(disk, directory, settings, log)
        self.shelf, self.cursor, self.failure = loaded.shelf, loaded.cursor, loaded.failure
        self.quarantine = Quarantine(disk, directory / "quarantine")
        self.unsynced: OSError | None = None
        for number, piece in enumerate(hot.damage):
            self.quarantine.keep("hot", number, piece)

    def decide(self, machine: Machine) -> Recovered:
        """Who this is, and where the stream goes on. A new epoch is on flash when this returns, if it can be."""
        kept = read_identity(self._disk, self._directory)
        identity = self._identity(kept, machine)
        is_own_hot = self._hot.header is not None and self._hot.header.directory.hex() == identity.directory_id
        on_flash = read_epoch(self._disk, self._directory)
        previous = max(self._known_epochs(on_flash), default=None)
        # Other hardware or another directory: this may be a copy, and the epoch goes on where it was copied from.
        is_proof = is_own_hot and _is_same(identity, kept) and self._is_newest(previous) and self._is_this_boot(machine)
        self.unsynced = settle(self._disk, self.shelf, self._hot, int(machine.boot, 16), self._log, is_proof=is_proof)
        border = self._border(previous, on_flash, is_proof=is_proof)
        goes_on = previous is not None and border.may_go_on
        if previous is not None and goes_on and border.next_seq is not None:
            epoch, next_seq = previous, border.next_seq
        else:
            epoch, next_seq = epoch_after(previous), 1
        is_stored = on_flash is not None and on_flash.epoch == epoch
        if not is_stored and self.failure is None:
            mark = EpochMark(epoch=epoch, ended_at=None, taken=self.taken)
            is_stored = store_epoch(self._disk, self._directory, mark, self._log)
        fits = is_own_hot or (self._kept is None and not self.shelf.segments)
        marks = self._marks(epoch, fits=fits)
        on_card = self._kept.drops if self._kept else ()
        drops = Drops(both(on_card, self._hot.drops if fits else ()))
        gone = drops.through(marks.epoch, marks.seq)
        return Recovered(
            identity=identity,
            epoch=epoch,
            next_seq=next_seq,
            is_new_epoch=next_seq == 1,
            previous=previous if is_stored else None,
            previous_last_seq=border.last_seq if is_stored else None,
            marks=marks,
            drops=drops,
            tail=behind(self.shelf, self._hot, gone, epoch) if fits else Tail(),
            # Another directory's journal, or one of a time when this one could not be read, fits in nowhere.
            strays=self._passed_over(gone, marks, Drops(on_card), previous) if fits else unacknowledged_in(self._hot),
            pending_in_cold=self._pending_in_cold(marks, gone),
        )

    def _border(self, previous: Epoch | None, on_flash: EpochMark | None, *, is_proof: bool) -> _Border:
        """What is known of the end of the newest epoch, and whether it may go on."""
        proven = self._hot.next_seq if is_proof else None
        ended_at = on_flash.ended_at if on_flash is not None and on_flash.epoch == previous else None
        if ended_at is not None:
            return _Border(next_seq=None, last_seq=ended_at, may_go_on=False)
        if proven is None:
            return _Border(next_seq=None, last_seq=None, may_go_on=False)
        known = [self.shelf.last, self._kept]
        agrees_with_flash = all(end is None or end.epoch != previous or end.seq < proven for end in known)
        is_kept = self._settings.durability is not Durability.MEMORY
        return _Border(
            next_seq=proven,
            last_seq=proven - 1 if agrees_with_flash else None,
            may_go_on=proven > 1 and agrees_with_flash and is_kept,
        )

    @property
    def _kept(self) -> CursorState | None:
        return None if self.failure else self.cursor.newest

    def _identity(self, kept: Identity | None, machine: Machine) -> Identity:
        hardware = " ".join(machine.hardware_id.split())
        identity = kept or Identity.create(hardware)
        if hardware and identity.hardware_id != hardware:
            if identity.hardware_id:
                self._log.warning("outbox_moved_to_other_hardware", before=identity.hardware_id, now=hardware)
                identity = replace(identity, client_suffix=secrets.token_hex(4))
            identity = replace(identity, hardware_id=hardware)
        if self.failure is not None:
            # What this process will acknowledge says nothing of the events in a directory that it cannot read.
            return replace(identity, directory_id=secrets.token_hex(16))
        node = self._disk.node(self._directory)
        if node and identity.node and identity.node != node:
            self._log.warning("outbox_directory_is_a_copy", directory=str(self._directory))
        if node:
            identity = replace(identity, node=node)
        if identity != kept:
            try:
                self._disk.make_directory(self._directory)
                sync_directory(self._disk, self._directory.parent)
                identity = replace(identity, node=self._disk.node(self._directory))
                write_identity(self._disk, self._directory, identity)
            except OSError as error:
                self._log.error("outbox_identity_not_stored", directory=str(self._directory), error=str(error))
        return identity

    def _is_newest(self, previous: Epoch | None) -> bool:
        """Whether no epoch began without the hot journal since."""
        return self._hot.header is not None and self._hot.header.epoch == previous

    def _is_this_boot(self, machine: Machine) -> bool:
        header = self._hot.header
        return header is not None and any(header.boot) and header.boot == machine.boot_bytes

    def _known_epochs(self, on_flash: EpochMark | None) -> Iterator[Epoch]:
        if on_flash:
            yield on_flash.epoch
        for name in DIRECTORY_NAMES:
            other = read_epoch(self._disk, self._directory.parent / name)
            if other:
                yield other.epoch
        if self._kept:
            yield self._kept.epoch
            yield from (drop.epoch for drop in self._kept.drops)
        for segment in self.shelf.segments:
            yield from (position.epoch for position in (segment.first, segment.last) if position)
        if self._hot.header:
            yield self._hot.header.epoch
        yield from (record.epoch for record in self._hot.records)

    def _marks(self, epoch: Epoch, *, fits: bool) -> Marks:
        kept = self._kept
        hot = self._hot.mark if fits else None
        if self.failure is not None and self._hot.records:
            first_in_hot = (self._hot.records[0].epoch, self._hot.records[0].first_seq - 1)
            if hot is None or (hot.epoch, hot.seq) < first_in_hot:
                return Marks(*first_in_hot)
        if hot is not None and (kept is None or (hot.epoch, hot.seq) >= (kept.epoch, kept.seq)):
            return Marks(hot.epoch, hot.seq, hot.ranges)
        if kept is not None:
            return Marks(kept.epoch, kept.seq, hot.ranges if hot else ())
        first = self.shelf.segments[0].first if self.shelf.segments else None
        if first is not None:
            return Marks(first.epoch, first.seq - 1)
        if self._hot.records:
            return Marks(self._hot.records[0].epoch, self._hot.records[0].first_seq - 1)
        return Marks(epoch, 0)

    def _passed_over(self, gone: Position, marks: Marks, drops: Drops, previous: Epoch | None) -> list[bytes]:
        """What only hot has, although starts without it went on to further epochs, and past it."""
        if self._hot.header is None or self._is_newest(previous) or self._settings.durability is Durability.MEMORY:
            return []
        return passed_over(self._disk, self.shelf, self._hot, gone, marks, drops)

    def _pending_in_cold(self, marks: Marks, gone: Position) -> int:
        last = self.shelf.last
        if last is None:
            return 0
        pending = self.shelf.ticket - self._ticket_behind(gone)
        for epoch, begin, end in marks.ranges:
            if (epoch, end) <= (last.epoch, last.seq):
                pending -= end - begin + 1
        return max(pending, 0)

    def _headers(self, segment: Segment) -> list[Header]:
        try:
            return headers(self._disk, segment)
        except OSError:
            return []

    def _ticket_behind(self, mark: Position) -> int:
        """How many events had ever been written to cold when the first one behind the mark was."""
        segment = self.shelf.segments[index_for(self.shelf.segments, mark)]
        behind = segment.ticket
        for header in self._headers(segment):
            if last_of(header) > mark:
                is_inside = first_of(header) <= mark and header.epoch == mark.epoch
                return header.ticket + (mark.seq - header.first_seq + 1 if is_inside else 0)
            behind = header.ticket + header.count
        following = [one for one in self.shelf.segments if one.ticket >= behind]
        return following[0].ticket if following else self.shelf.ticket


def _is_same(identity: Identity, kept: Identity | None) -> bool:
    """Whether nothing is other than it was; one that was kept without the inode is no copy for that."""
    return kept is not None and identity == (kept if kept.node else replace(kept, node=identity.node))


def epoch_after(previous: Epoch | None) -> Epoch:
    """A new epoch, like no other."""
    ordinal = 1 if previous is None else previous.ordinal + 1
    return Epoch(ordinal=ordinal, random=secrets.randbits(32))
