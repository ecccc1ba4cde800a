"""Reads the stream in order: cold first, then the newest in memory; and where something is missing, says so there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.drops import Drops
from sensor_gateway.outbox.files.cold_reader import ColdReader, Found
from sensor_gateway.outbox.files.record import Record
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers.tail import Tail

_GAP_SIZE = 320
"""About what a gap takes when it is written."""


@dataclass(slots=True, kw_only=True)
class _Answer:
    """What one call has found so far, and how much more it may."""

    items: list[Stored | Gap]
    events_left: int
    bytes_left: int

    @property
    def is_full(self) -> bool:
        return bool(self.items) and (self.events_left <= 0 or self.bytes_left <= 0)

    def add_gap(self, gap: Gap) -> None:
        self.items.append(gap)
        self.events_left -= 1
        self.bytes_left -= _GAP_SIZE


class Reader:
    """Gives events and gaps after a position. What is acknowledged is left out."""

    def __init__(self, *, cold: ColdReader, tail: Tail, marks: Marks, drops: Drops) -> None:
        """Everything belongs to the outbox; the reader tells ``marks`` which borders between epochs it has seen."""
        self._cold = cold
        self._tail = tail
        self._marks = marks
        self._drops = drops
        self.failure: OSError | None = None

    def read(self, epoch: Epoch, seq: int, *, max_events: int, max_bytes: int) -> list[Stored | Gap]:
        """The next events and gaps after a position, in order; at least one if there is any.

        A gap of events that never had a seq comes together with the event it stands before.
        """
        answer = _Answer(items=[], events_left=max_events, bytes_left=max_bytes)
        if self._marks.is_passed(epoch, seq):
            epoch, seq = self._marks.epoch, self._marks.seq
        floor = self._drops.floor
        if floor is not None and (epoch, seq) < (floor.epoch, floor.seq):
            if not self._announce_between(answer, (epoch, seq), (floor.epoch, floor.seq + 1), None, is_damage=False):
                return answer.items
            epoch, seq = floor.epoch, floor.seq
        while not answer.is_full:
            found = self._record_after(epoch, seq)
            if found is None:
                break
            record = found.record
            is_adjoining = record.epoch is epoch and record.first_seq <= seq + 1
            if not is_adjoining and not self._cross(answer, found, epoch, seq):
                break
            start = max(seq + 1, record.first_seq) if record.epoch == epoch else record.first_seq
            epoch, seq = record.epoch, self._take(answer, record, start)
        return answer.items

    def _record_after(self, epoch: Epoch, seq: int) -> Found | None:
        recent = self._tail.record_after(epoch, seq)
        first = self._tail.first
        if recent is not None and recent is not first:
            return Found(record=recent, is_after_damage=False)
        if first is not None and first.epoch == epoch and first.first_seq <= seq + 1:
            return None if recent is None else Found(record=recent, is_after_damage=False)
        try:
            old = self._cold.record_after(epoch, seq)
            self.failure = None
        except OSError as error:
            # What is in cold comes before what is in memory: nothing is read past it.
            self.failure = error
            return None
        if recent is None:
            return old
        is_earlier = old is not None and (old.record.epoch, old.record.first_seq) <= (recent.epoch, recent.first_seq)
        return old if is_earlier else Found(record=recent, is_after_damage=self._cold.ended_in_damage)

    def _take(self, answer: _Answer, record: Record, seq: int) -> int:
        """Add a record's events from a seq on, as far as there is room; gives the last one looked at."""
        marks, epoch, items = self._marks, record.epoch, answer.items
        is_all_new = not marks.ranges and not marks.is_passed(epoch, seq)
        last = seq - 1
        for body in record.bodies[seq - record.first_seq :]:
            last += 1
            if not is_all_new and marks.covers(epoch, last):
                continue
            if last == record.first_seq and record.refused is not None:
                answer.add_gap(_refused(record))
            elif answer.is_full:
                return last - 1
            items.append(Stored(position=Position(epoch=epoch, seq=Seq(last)), body=body))
            answer.events_left -= 1
            answer.bytes_left -= len(body)
            if answer.events_left <= 0 or answer.bytes_left <= 0:
                return last
        return last

    def _cross(self, answer: _Answer, found: Found, epoch: Epoch, seq: int) -> bool:
        """Announce what is missing between a position and the next record; False where there was not room for all."""
        record = found.record
        known_end = None if record.epoch == epoch else _end_before(record)
        before = (record.epoch, record.first_seq)
        return self._announce_between(answer, (epoch, seq), before, known_end, is_damage=found.is_after_damage)

    def _announce_between(
        self,
        answer: _Answer,
        after: tuple[Epoch, int],
        before: tuple[Epoch, int],
        known_end: tuple[Epoch, int] | None,
        *,
        is_damage: bool,
    ) -> bool:
        """Announce all that lies between two places. ``known_end``: so far did an epoch between them go."""
        (epoch, seq), (following, first_seq) = after, before
        if following == epoch:
            return self._announce(answer, epoch, seq + 1, first_seq - 1, is_damage=is_damage)
        ends: dict[Epoch, int] = {}
        for one, last in self._known_ends(epoch, seq, known_end):
            if epoch <= one < following:
                ends[one] = max(ends.get(one, 0), last)
        for one, next_one in zip(sorted(ends), [*sorted(ends), following][1:], strict=True):
            first = seq + 1 if one == epoch else 1
            if not self._announce(answer, one, first, ends[one], is_damage=is_damage):
                return False
            self._marks.learn_border(one, ends[one], next_one)
        return self._announce(answer, following, 1, first_seq - 1, is_damage=is_damage)

    def _known_ends(self, epoch: Epoch, seq: int, known_end: tuple[Epoch, int] | None) -> Iterator[tuple[Epoch, int]]:
        """So far, at least, did epochs go: where reading stands, what was dropped, what was acknowledged ahead."""
        yield epoch, seq
        yield from ((drop.epoch, drop.last) for drop in self._drops)
        yield from ((above, last) for above, _, last in self._marks.ranges)
        if known_end is not None:
            yield known_end

    def _announce(self, answer: _Answer, epoch: Epoch, first: int, last: int, *, is_damage: bool) -> bool:
        otherwise = GapCause.DAMAGE if is_damage else GapCause.UNKNOWN
        for begin, end in self._marks.uncovered(epoch, first, last):
            for gap in self._gaps(epoch, begin, end, otherwise):
                if answer.is_full:
                    return False
                answer.add_gap(gap)
        return not answer.is_full

    def _gaps(self, epoch: Epoch, first: int, last: int, otherwise: GapCause) -> list[Gap]:
        gaps: list[Gap] = []
        for drop in self._drops.within(epoch, first, last):
            if first < drop.first:
                gaps.append(_gap(epoch, first, drop.first - 1, otherwise, None))
            gaps.append(_gap(epoch, drop.first, drop.last, drop.cause, (drop.from_ms, drop.to_ms)))
            first = drop.last + 1
        if first <= last:
            gaps.append(_gap(epoch, first, last, otherwise, None))
        return gaps


def _gap(epoch: Epoch, first: int, last: int, cause: GapCause, times: tuple[int, int] | None) -> Gap:
    return Gap(
        epoch=epoch,
        from_seq=first,
        to_seq=last,
        before_seq=None,
        count=last - first + 1,
        from_wall_ms=times[0] if times else None,
        to_wall_ms=times[1] if times else None,
        cause=cause,
    )


def _refused(record: Record) -> Gap:
    refused = record.refused
    if refused is None:
        raise ValueError("nothing was refused before this record")
    return Gap(
        epoch=record.epoch,
        from_seq=None,
        to_seq=None,
        before_seq=record.first_seq,
        count=refused.count,
        from_wall_ms=refused.from_ms,
        to_wall_ms=refused.to_ms,
        cause=GapCause.LIMIT,
    )


def _end_before(record: Record) -> tuple[Epoch, int] | None:
    """The epoch before, and its last seq, where the first event of the next one knows it."""
    if record.first_seq != 1 or not record.bodies:
        return None
    try:
        fields = json.loads(record.bodies[0])
        is_known = fields.get("type") == "epoch" and fields.get("previous_last_seq")
        return (Epoch.parse(fields["previous"]), int(fields["previous_last_seq"])) if is_known else None
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
