"""How an outbox is doing: what waits, since when, how much room there is, and what the card has to bear.

Everything is told from the files alone, and from /proc where a daemon lives; what is not known is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.event_json import time_of
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.cursor import SLOT_SIZE, decode_slot
from sensor_gateway.outbox.files.disk import read_file
from sensor_gateway.outbox.files.loaded import CURSOR_NAME
from sensor_gateway.outbox.files.record import Header, bodies_of, scan
from sensor_gateway.outbox.files.segment import Segment, headers, last_of
from sensor_gateway.outbox.files.shelf import index_for
from sensor_gateway.outbox.identity import IDENTITY, REFUSED_EVENTS, read_epoch
from sensor_gateway.outbox.inspection.complaints import NOTES, Complaint, damage_complaint, memory_complaint
from sensor_gateway.outbox.inspection.owner import Owner
from sensor_gateway.outbox.inspection.readable import missing_at_the_end, readable_on_flash
from sensor_gateway.outbox.inspection.snapshot import Snapshot
from sensor_gateway.outbox.tiers.clearance import unacknowledged

DAY_S: Final = 86_400.0
_LEAST_SPAN_S: Final = 60.0
_LEAST_SPAN_MS: Final = 60_000
_EPOCH_WRITE: Final = 2 * 4096
_WHOLE: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """Bytes. ``waiting`` is what waits in segments, ``allocated`` what all files take, ``room`` what may still come.

    ``growth_per_day`` is that of what waits, by its records' own times; None where it is too little to tell. What is
    older than ``max_age_s`` may go before the room is gone.
    """

    waiting: int
    allocated: int
    room: int
    max_size: int
    keep_free: int
    free: int
    max_age_s: float
    growth_per_day: float | None

    @property
    def days_left(self) -> float | None:
        """How long the room lasts at this rate, by size alone."""
        return self.room / self.growth_per_day if self.growth_per_day else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """What the outbox wrote into its files: ``at_most`` bytes in the ``over_s`` seconds since the directory was made.

    ``made_ready`` of them went once into making the files that are there, and are no measure of a day.
    """

    at_most: int
    made_ready: int
    over_s: float

    @property
    def per_day(self) -> float | None:
        """Bytes a day, at most; None where it is too short a time to tell."""
        return (self.at_most - self.made_ready) / self.over_s * DAY_S if self.over_s >= _LEAST_SPAN_S else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was put aside for a person to look at: events that the broker refused, and damaged pieces."""

    refused_events: int
    pieces: int
    piece_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All that can be told. ``in_memory`` counts what the hot journal holds, ``strays`` another journal's events."""

    directory: Path
    hot_path: Path | None
    owner: Owner
    epoch: Epoch | None
    in_memory: int
    on_flash: int
    strays: int
    oldest: str
    newest: str
    flash: Flash
    wear: Wear
    drops: tuple[Drop, ...]
    kept: Kept
    complaints: tuple[Complaint, ...]
    is_memory_known: bool

    @property
    def alarms(self) -> tuple[Complaint, ...]:
        """What is amiss."""
        return tuple(one for one in self.complaints if one.name not in NOTES)

    @property
    def notes(self) -> tuple[Complaint, ...]:
        """What may be meant so, and is worth a word."""
        return tuple(one for one in self.complaints if one.name in NOTES)

    @property
    def waiting(self) -> int:
        """How many events are not delivered."""
        return self.in_memory + self.on_flash + self.strays


def status_of(snapshot: Snapshot, now_s: float, complaints: Sequence[Complaint]) -> Status:
    """Judge a snapshot, at a wall clock time."""
    recovered, directory = snapshot.recovered, snapshot.directory
    marks = recovered.marks
    in_memory = sum(unacknowledged(marks, one.epoch, one.first_seq, one.last_seq) for one in recovered.tail)
    waiting = _waiting_headers(snapshot)
    oldest, newest = _ends(snapshot, waiting)
    readable = readable_on_flash(snapshot)
    on_flash = recovered.pending_in_cold if readable is None else min(readable, recovered.pending_in_cold)
    lost = recovered.pending_in_cold - on_flash + missing_at_the_end(snapshot)
    return Status(
        directory=directory,
        hot_path=snapshot.hot_path,
        owner=snapshot.owner,
        epoch=_epoch(snapshot),
        in_memory=in_memory,
        on_flash=on_flash,
        strays=len(recovered.strays),
        oldest=oldest,
        newest=newest,
        flash=_flash(snapshot, waiting),
        wear=_wear(snapshot, now_s),
        drops=tuple(recovered.drops),
        kept=_kept(directory, snapshot.inspected.places.state_directory),
        complaints=(*complaints, *damage_complaint(lost)),
        is_memory_known=memory_complaint(snapshot) is None,
    )


def _epoch(snapshot: Snapshot) -> Epoch | None:
    mark = read_epoch(snapshot.disk, snapshot.directory)
    known = [mark.epoch] if mark else []
    if snapshot.hot.header is not None:
        known.append(snapshot.hot.header.epoch)
    return max(known, default=None)


def _waiting_headers(snapshot: Snapshot) -> list[Header]:
    """The records that wait in the first segment that has any."""
    segments = snapshot.shelf.segments
    if not segments or snapshot.shelf.last is None or snapshot.shelf.last <= snapshot.gone:
        return []
    for segment in segments[index_for(segments, snapshot.gone) :]:
        found = [header for header in _headers(snapshot, segment) if last_of(header) > snapshot.gone]
        if found:
            return found
    return []


def _headers(snapshot: Snapshot, segment: Segment) -> list[Header]:
    try:
        return headers(snapshot.disk, segment)
    except OSError:
        return []


def _flash(snapshot: Snapshot, waiting: Sequence[Header]) -> Flash:
    shelf, settings = snapshot.shelf, snapshot.inspected.settings
    used = sum(header.extent for header in waiting)
    generation = waiting[0].generation if waiting else 0
    later = [segment for segment in shelf.segments if segment.generation > generation] if waiting else []
    used += sum(segment.end for segment in later)
    free = _free_bytes(snapshot)
    allocated = _allocated(snapshot.directory)
    by_disk = free - settings.keep_free + max(allocated - used, 0)
    newest = shelf.segments[-1].newest if shelf.segments else None
    span_ms = waiting[0].began.age_ms(newest) if waiting and newest is not None else None
    is_long = span_ms is not None and span_ms >= _LEAST_SPAN_MS
    return Flash(
        waiting=used,
        allocated=allocated,
        room=max(min(settings.max_size - used, by_disk), 0),
        max_size=settings.max_size,
        keep_free=settings.keep_free,
        free=free,
        max_age_s=settings.max_age_s,
        growth_per_day=used / (span_ms / 1000) * DAY_S if is_long and span_ms else None,
    )


def _ends(snapshot: Snapshot, waiting: Sequence[Header]) -> tuple[str, str]:
    """When the oldest and the newest event that wait were measured; empty where nothing does."""
    marks, gone = snapshot.recovered.marks, snapshot.gone
    reader = snapshot.reader(marks)
    items = reader.read(gone.epoch, gone.seq, max_events=3, max_bytes=1)
    bodies = [getattr(item, "body", b"") for item in items]
    oldest = next((time_of(body) for body in bodies if body), "")
    newest = ""
    for record in snapshot.recovered.tail:
        newest = time_of(record.bodies[-1]) if record.bodies else newest
    if not newest and waiting:
        newest = _newest_on_flash(snapshot)
    strays = sorted(time_of(body) for body in snapshot.recovered.strays)
    return oldest or (strays[0] if strays else ""), newest or (strays[-1] if strays else "")


def _newest_on_flash(snapshot: Snapshot) -> str:
    segment = snapshot.shelf.segments[-1]
    try:
        data = read_file(snapshot.disk, segment.path, _WHOLE)
    except OSError:
        return ""
    bodies: tuple[bytes, ...] | None = None
    for header, at, _ in scan(data, generation=segment.generation):
        bodies = bodies_of(header, data, at) or bodies
    return time_of(bodies[-1]) if bodies else ""


def _wear(snapshot: Snapshot, now_s: float) -> Wear:
    """Each generation is one segment, written once at most; each number of a slot is one; each ordinal is a start."""
    shelf = snapshot.shelf
    size = shelf.segments[-1].size if shelf.segments else snapshot.inspected.settings.segment_size
    files = sum(path.suffix in {".seg", ".free"} for path in _files(snapshot.directory))
    epoch = _epoch(snapshot)
    starts = epoch.ordinal if epoch else 0
    full = shelf.generation * size
    if shelf.segments and shelf.segments[-1].generation == shelf.generation:
        full += shelf.segments[-1].end - size
    written = full + _cursor_writes(snapshot) * SLOT_SIZE + starts * _EPOCH_WRITE
    try:
        began_s = (snapshot.directory / IDENTITY).stat().st_mtime
    except OSError:
        began_s = now_s
    return Wear(at_most=written + files * size, made_ready=files * size, over_s=max(now_s - began_s, 0.0))


def _cursor_writes(snapshot: Snapshot) -> int:
    try:
        data = read_file(snapshot.disk, snapshot.directory / CURSOR_NAME, 2 * SLOT_SIZE)
    except OSError:
        return 0
    slots = [decode_slot(data[at : at + SLOT_SIZE]) for at in (0, SLOT_SIZE)]
    return max((slot[0] for slot in slots if slot), default=0)


def _kept(directory: Path, state_directory: Path) -> Kept:
    pieces = _files(directory / "quarantine")
    try:
        with (state_directory / REFUSED_EVENTS).open("rb") as lines:
            refused = sum(1 for _ in lines)
    except OSError:
        refused = 0
    return Kept(refused_events=refused, pieces=len(pieces), piece_bytes=sum(map(_size, pieces)))


def _allocated(directory: Path) -> int:
    return sum(_size(path) for path in _files(directory))


def _files(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_file()]
    except OSError:
        return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0


def _free_bytes(snapshot: Snapshot) -> int:
    try:
        return snapshot.disk.free_bytes(snapshot.directory)
    except OSError:
        return 0
