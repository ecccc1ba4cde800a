"""What must have stood behind the last event that can be read, as far as anything that is left knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.drops import Drops
from sensor_gateway.outbox.files.shelf import FREE_KEPT
from sensor_gateway.outbox.identity import read_epoch
from sensor_gateway.outbox.inspection.damage import THEN_UNKNOWN_END, Damage, Wrong
from sensor_gateway.outbox.inspection.snapshot import Snapshot


def known_end(snapshot: Snapshot) -> Position | None:
    """The newest position that was surely given out: by the epoch's end in order, or by our own hot journal."""
    found: list[Position] = []
    mark = read_epoch(snapshot.disk, snapshot.directory)
    if mark is not None and mark.ended_at is not None:
        found.append(Position(epoch=mark.epoch, seq=Seq(mark.ended_at)))
    hot, recovered = snapshot.hot, snapshot.recovered
    header = hot.header
    if header is not None and header.directory.hex() == recovered.identity.directory_id and not recovered.strays:
        own = [record.last_seq for record in hot.records if record.epoch == header.epoch]
        found.append(Position(epoch=header.epoch, seq=Seq(max(header.next_seq - 1, *own, 0))))
    return max(found, default=None)


def missing_behind(snapshot: Snapshot, last: Position) -> Iterator[Gap]:
    """What was given out behind a position, and is neither there nor acknowledged nor dropped.

    Nothing where files changed since the snapshot was taken: what is missing may have been delivered.
    """
    end = known_end(snapshot)
    if end is None or end <= last or not snapshot.is_still_so:
        return
    first = last.seq + 1 if last.epoch == end.epoch else 1
    drops = Drops(snapshot.recovered.drops)
    for begin, through in snapshot.recovered.marks.uncovered(end.epoch, first, end.seq):
        at = begin
        for drop in drops.within(end.epoch, begin, through):
            yield from _gap(end, at, drop.first - 1)
            at = drop.last + 1
        yield from _gap(end, at, through)


def missing_segment(snapshot: Snapshot) -> Iterator[Damage]:
    """A segment that the cursor knows, where neither it nor its successor is there, and nothing tells what it held.

    A segment that nobody needs is kept as a free one while there are fewer than usual.
    """
    newest = snapshot.shelf.generation
    names = {path.name for ending in ("seg", "free") for path in snapshot.directory.glob(f"*.{ending}")}
    is_there = any(name.startswith(f"{newest:016d}.") for name in names)
    free = sum(name.endswith(".free") for name in names)
    if not newest or is_there or free >= FREE_KEPT or known_end(snapshot) is not None:
        return
    yield Damage(file=f"{newest:016d}.seg", offset=0, length=0, wrong=Wrong.MISSING, events=None, then=THEN_UNKNOWN_END)


def _gap(end: Position, first: int, last: int) -> Iterator[Gap]:
    if first <= last:
        yield Gap(
            epoch=end.epoch,
            from_seq=first,
            to_seq=last,
            before_seq=None,
            count=last - first + 1,
            from_wall_ms=None,
            to_wall_ms=None,
            cause=GapCause.UNKNOWN,
        )
