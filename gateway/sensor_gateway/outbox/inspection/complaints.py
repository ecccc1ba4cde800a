"""What an operator should know of an outbox at once, as sentences under fixed names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.writing.figures import counted, size
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.identity import read_epoch
from sensor_gateway.outbox.inspection.snapshot import Snapshot
from sensor_gateway.outbox.purge_request import requests_in
from sensor_gateway.outbox.recovery import DIRECTORY_NAMES

HOT_GONE: Final = "hot_gone"
BAD: Final = frozenset({"flash", "segments", "hot", "full", "keep_free", "damage"})
"""Those by which events are lost, or soon will be; by the others nothing is, or not yet."""

NOTES: Final = frozenset({"hot_on_disk"})
"""Those that may be meant, and cost the card something: worth a word, and no alarm."""

_FREE_SEGMENT: Final = ".free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is not as it should be. ``name`` is for programs."""

    name: str
    text: str


def complaints_of(snapshot: Snapshot) -> tuple[Complaint, ...]:
    """All of them; the daemon's own alarms stand in its log."""
    return tuple(_found(snapshot))


def _found(snapshot: Snapshot) -> Iterator[Complaint]:
    if snapshot.failure is not None:
        yield Complaint(name="flash", text=f"flash cannot be read: {snapshot.failure}")
    if snapshot.shelf.unreadable:
        count = snapshot.shelf.unreadable
        yield Complaint(name="segments", text=f"the card does not give back {counted(count, 'segment')}")
    yield from _of_the_hot_journal(snapshot)
    if snapshot.is_newer:
        newer = snapshot.inspected.places.state_directory / DIRECTORY_NAMES[0]
        yield Complaint(name="newer", text=f"{newer} was written by a newer version, and is left alone")
    if snapshot.shelf.segments and not snapshot.has_cursor:
        yield Complaint(
            name="cursor", text="the cursor is lost or damaged: what was delivered or purged may be sent again"
        )
    yield from _no_room(snapshot)
    if requests_in(snapshot.disk, snapshot.directory):
        yield Complaint(name="purge", text="a request to purge waits for the daemon")


def _of_the_hot_journal(snapshot: Snapshot) -> Iterator[Complaint]:
    hot = snapshot.hot_path
    complaint = memory_complaint(snapshot)
    if complaint is not None:
        yield complaint
    if hot is not None and _is_on_one_disk(hot, snapshot.directory):
        yield Complaint(
            name="hot_on_disk", text=f"{hot.parent} lies on the same disk as the outbox: each event is written to it"
        )
    if snapshot.recovered.strays:
        count = len(snapshot.recovered.strays)
        yield Complaint(
            name="strays",
            text=f"{hot} belongs to another state directory; a start would take its {counted(count, 'event')} in anew",
        )


def damage_complaint(lost: int) -> Iterator[Complaint]:
    """That so many events should wait, and cannot be read."""
    if lost:
        text = f"{counted(lost, 'event')} that should wait cannot be read any more: `outbox verify` tells where and why"
        yield Complaint(name="damage", text=text)


def memory_complaint(snapshot: Snapshot) -> Complaint | None:
    """Why what waits in memory could not be looked at, though something may be there; None where all was seen."""
    hot = snapshot.hot_path
    if snapshot.hot_failure is not None:
        return Complaint(name="hot", text=f"the hot journal cannot be read: {snapshot.hot_failure}")
    if hot is None:
        return _no_hot_directory(snapshot)
    if snapshot.owner.is_there:
        text = f"a daemon runs, and there is no sound hot journal at {hot}"
        return None if snapshot.hot.header is not None else Complaint(name="hot", text=text)
    mark = read_epoch(snapshot.disk, snapshot.directory)
    if hot.exists() or (mark is not None and mark.ended_at is not None):
        return None
    text = f"no hot journal in {hot.parent}: what waited there was lost with the memory, or lies elsewhere (--hot-dir)"
    return Complaint(name=HOT_GONE, text=text)


def _no_hot_directory(snapshot: Snapshot) -> Complaint | None:
    inspected = snapshot.inspected
    if not inspected.is_without_hot:
        text = "what waits in memory is not counted: name the hot directory with --hot-dir"
        return Complaint(name="hot_unknown", text=text)
    if not inspected.is_process_alone:
        return None
    if snapshot.owner.is_there is False:
        return Complaint(name=HOT_GONE, text="what waited in the process is gone with it (durability: memory)")
    text = "what waits is in the daemon's process alone (durability: memory), where nobody can look"
    return Complaint(name="in_process", text=text)


def _is_on_one_disk(hot: Path, directory: Path) -> bool:
    try:
        return hot.parent.stat().st_dev == directory.stat().st_dev
    except OSError:
        return False


def _no_room(snapshot: Snapshot) -> Iterator[Complaint]:
    """Whether the next segment could be had."""
    segments, settings = snapshot.shelf.segments, snapshot.inspected.settings
    if not segments or any(path.suffix == _FREE_SEGMENT for path in snapshot.directory.glob("*")):
        return
    next_size = segments[-1].size
    if (len(segments) + 1) * next_size > settings.max_size:
        yield Complaint(name="full", text=f"max_size is reached ({size(settings.max_size)}): {settings.when_full}")
        return
    try:
        free = Disk().free_bytes(snapshot.directory)
    except OSError:
        return
    if free - next_size < settings.keep_free:
        yield Complaint(
            name="keep_free",
            text=f"only {size(free)} are free on the disk, keep_free is {size(settings.keep_free)}: no growth",
        )
