"""Reads every record of an outbox, and explains what is wrong. Nothing that the files may hold makes it fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.model.position import Position
from sensor_gateway.outbox.files.disk import read_file
from sensor_gateway.outbox.files.hot import HOT_HEADER_SIZE, decode_header
from sensor_gateway.outbox.files.record import MAGIC, Header, bodies_of, scan
from sensor_gateway.outbox.files.segment import first_of, last_of
from sensor_gateway.outbox.inspection.damage import (
    THEN_LEFT,
    THEN_NEW_EPOCH,
    THEN_RELEASED,
    THEN_SKIPPED,
    THEN_WRITTEN_OVER,
    Damage,
    Wrong,
    claimed,
    extent,
    judge,
)
from sensor_gateway.outbox.inspection.endings import known_end, missing_behind, missing_segment
from sensor_gateway.outbox.inspection.losses import Known, Piece, Place, charged
from sensor_gateway.outbox.inspection.small_files import small_file_damage
from sensor_gateway.outbox.inspection.snapshot import Snapshot
from sensor_gateway.outbox.inspection.waiting import WaitingEvents, end_of

_WHOLE: Final = 256 * 1024 * 1024
_LOOKS: Final = 4


@dataclass(slots=True, kw_only=True)
class Report:
    """What was read, and what is wrong with it, in the order of the stream."""

    segments: int = 0
    free: int = 0
    records: int = 0
    events: int = 0
    size: int = 0
    damage: list[Damage] = field(default_factory=list)


def check(look: Callable[[], Snapshot], pause: Callable[[], object]) -> Report:
    """Check everything. While a daemon runs, only what is still so at further looks counts, after a pause each."""
    report = Report()
    for number in range(_LOOKS):
        snapshot = look()
        known = {one.key for one in report.damage}
        report = _Reading(snapshot, look).report
        if number:
            report.damage = [one for one in report.damage if one.key in known]
        if not report.damage or snapshot.owner.is_there is False:
            break
        pause()
    return report


class _Reading:
    """One pass over all files of a snapshot."""

    def __init__(self, snapshot: Snapshot, look: Callable[[], Snapshot]) -> None:
        self._disk, self._directory = snapshot.disk, snapshot.directory
        self._size = snapshot.inspected.settings.segment_size
        self._pieces: list[Piece] = []
        self._unbounded: list[Piece] = []
        self._last: Position | None = None
        self._places: list[Place] = []
        self.report = Report()
        names = self._names()
        segments = [name for name in names if name.endswith(".seg") and name[:-4].isdecimal()]
        for name in segments:
            self._segment(name, is_newest=name == segments[-1])
        for name in names:
            self.report.free += name.endswith(".free") and self._read(self._directory / name) is not None
        if snapshot.hot_path is not None and not snapshot.hot.is_newer:
            self._hot(snapshot.hot_path)
        known = Known(gone=snapshot.gone, end=known_end(snapshot))
        damage = charged([*self._pieces, *self._unbounded], _unexplained(look), self._places, known)
        damage += missing_segment(snapshot)
        self.report.damage = [*damage, *small_file_damage(snapshot, has_segments=bool(segments))]

    def _names(self) -> list[str]:
        try:
            return self._disk.names(self._directory)
        except OSError:
            return []

    def _segment(self, name: str, *, is_newest: bool) -> None:
        data = self._read(self._directory / name)
        if data is None:
            return
        self.report.segments += 1
        generation = int(name[:-4])
        end = self._records(name, data, generation, 0)
        rest = data[end:]
        if len(data) < self._size:
            self._cut(name, rest, end, THEN_WRITTEN_OVER if is_newest else THEN_SKIPPED)
        elif rest.startswith(MAGIC) and int.from_bytes(rest[16:24], "little") == generation:
            damage = Damage(
                file=name,
                offset=end,
                length=extent(rest),
                wrong=judge(rest, generation=generation, is_last=True),
                events=claimed(rest),
                then=THEN_WRITTEN_OVER if is_newest else THEN_SKIPPED,
            )
            self._note(damage)
        elif not end and not is_newest:
            wrong = Wrong.ZEROED if rest.count(0) == len(rest) else Wrong.GENERATION
            self._note(Damage(file=name, offset=0, length=len(rest), wrong=wrong, events=None, then=THEN_RELEASED))

    def _cut(self, name: str, rest: bytes, end: int, then: str) -> None:
        """A segment is as long as it will ever be before it is first written: a shorter one was cut."""
        damage = Damage(file=name, offset=end, length=len(rest), wrong=Wrong.TORN, events=claimed(rest), then=then)
        self._note(damage, is_cut=True)

    def _hot(self, path: Path) -> None:
        data = self._read(path)
        if not data:
            return
        end = self._records(path.name, data, 0, HOT_HEADER_SIZE if decode_header(data) else 0)
        rest = data[end:]
        if rest:
            wrong = judge(rest, generation=0, is_last=True)
            damage = Damage(
                file=path.name, offset=end, length=len(rest), wrong=wrong, events=claimed(rest), then=THEN_NEW_EPOCH
            )
            self._note(damage)

    def _records(self, name: str, data: bytes, generation: int, start: int) -> int:
        """All valid records of a file from a place on, and what lies between them; gives where they end."""
        end, then = start, THEN_SKIPPED if generation else THEN_NEW_EPOCH
        for header, at, skipped in scan(data, generation=generation, start=start):
            if skipped:
                piece = data[at - skipped : at]
                wrong = judge(piece, generation=generation, is_last=False)
                self._note(
                    Damage(
                        file=name, offset=at - skipped, length=skipped, wrong=wrong, events=claimed(piece), then=then
                    )
                )
            end = at + header.extent
            if header.is_mark or header.is_drops:
                continue
            if bodies_of(header, data, at) is not None:
                self._valid(name, header, at)
                continue
            self._note(
                Damage(file=name, offset=at, length=header.extent, wrong=Wrong.BODY, events=header.count, then=then)
            )
        return end

    def _valid(self, name: str, header: Header, at: int) -> None:
        self.report.records += 1
        self.report.events += header.count
        first, last = first_of(header), last_of(header)
        self._places.append(Place(first=first, file=name, offset=at))
        self._pieces += [replace(piece, before=first) for piece in self._unbounded]
        self._unbounded = []
        self._last = last if self._last is None else max(self._last, last)

    def _note(self, damage: Damage, *, is_cut: bool = False) -> None:
        self._unbounded.append(Piece(damage=damage, after=self._last, is_cut=is_cut))

    def _read(self, path: Path) -> bytes | None:
        """A file's bytes; None where it is gone, or where the medium does not give them, which is noted."""
        try:
            data = read_file(self._disk, path, _WHOLE)
        except FileNotFoundError:
            return None
        except OSError:
            self._note(Damage(file=path.name, offset=0, length=0, wrong=Wrong.UNREADABLE, events=None, then=THEN_LEFT))
            return None
        self.report.size += len(data)
        return data


def _unexplained(look: Callable[[], Snapshot]) -> Iterator[Gap]:
    """The gaps of the stream, and behind it, of which nobody knows the cause; none where it cannot be read."""
    walk = WaitingEvents(look)
    last = walk.snapshot.gone
    try:
        for item in walk:
            last = max(last, end_of(item))
            if isinstance(item, Gap) and item.cause in {GapCause.UNKNOWN, GapCause.DAMAGE}:
                yield item
    except OSError:
        return
    yield from missing_behind(walk.snapshot, max(last, walk.snapshot.gone))
