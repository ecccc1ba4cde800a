"""What waits, in order, as the daemon would deliver it; streamed, and right while events come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.inspection.snapshot import Snapshot
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.stored import Stored

_EVENTS: Final = 500
_BYTES: Final = 1 << 20
_TRIES: Final = 20


class WaitingEvents:
    """Events and gaps. ``with_acknowledged``: those too that lie in segments still, and were delivered.

    A gap is believed where nothing changed while it was found; else another snapshot is taken, and the walk goes on
    behind what it has given. OSError where a piece cannot be read again and again.
    """

    def __init__(self, look: Callable[[], Snapshot], *, with_acknowledged: bool = False) -> None:
        """``look`` takes a snapshot."""
        self._look = look
        self._is_all = with_acknowledged
        self.snapshot = look()
        self.strays: Sequence[bytes] = self.snapshot.recovered.strays

    def __iter__(self) -> Iterator[Stored | Gap]:
        epoch, seq = self._start()
        tries = 0
        while True:
            marks = self._marks(epoch, seq)
            for items in self._batches(marks, epoch, seq):
                if items is None:
                    break
                for item in items:
                    if isinstance(item, Gap):
                        yield from self._parts(item)
                    else:
                        yield item
                epoch, seq = _end(items[-1])
                tries = 0
            else:
                return
            tries += 1
            if tries > _TRIES:
                raise self.snapshot.failure or OSError(f"{self.snapshot.directory} changes faster than it can be read")
            self.snapshot = self._look()

    def _batches(self, marks: Marks, epoch: Epoch, seq: int) -> Iterator[list[Stored | Gap] | None]:
        """Batch by batch; None where it has to be looked at anew."""
        reader = self.snapshot.reader(marks)
        while True:
            items = reader.read(epoch, seq, max_events=_EVENTS, max_bytes=_BYTES)
            has_gap = any(isinstance(item, Gap) for item in items)
            if reader.failure is not None or (has_gap and not self.snapshot.is_still_so):
                yield None
                return
            if not items:
                return
            yield items
            epoch, seq = _end(items[-1])

    def _start(self) -> tuple[Epoch, int]:
        marks, segments = self.snapshot.recovered.marks, self.snapshot.shelf.segments
        mark = (marks.epoch, marks.seq)
        first = segments[0].first if segments else None
        if not self._is_all or first is None:
            return mark
        return min(mark, (first.epoch, first.seq - 1))

    def _marks(self, epoch: Epoch, seq: int) -> Marks:
        true = self.snapshot.recovered.marks
        return Marks(epoch, seq) if self._is_all else Marks(true.epoch, true.seq, true.ranges)

    def _parts(self, gap: Gap) -> Iterator[Gap]:
        """What of a gap was never delivered."""
        if not self._is_all or gap.from_seq is None or gap.to_seq is None:
            yield gap
            return
        for first, last in self.snapshot.recovered.marks.uncovered(gap.epoch, gap.from_seq, gap.to_seq):
            yield replace(gap, from_seq=first, to_seq=last, count=last - first + 1)


def end_of(item: Stored | Gap) -> Position:
    """The last position of an item; seq 0 for events that never had one."""
    if isinstance(item, Stored):
        return item.position
    return Position(epoch=item.epoch, seq=Seq(item.to_seq or 0))


def _end(item: Stored | Gap) -> tuple[Epoch, int]:
    end = end_of(item)
    return end.epoch, end.seq
