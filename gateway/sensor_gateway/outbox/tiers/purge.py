"""Discards what an operator asked to discard, so that a crash leaves all of it or none.

What goes is read, one segment in a turn, and noted as drops. Once the cursor that holds these is safe, everything
through the end of them counts as gone, wherever it still lies; only then is anything freed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.drops import Drop
from sensor_gateway.outbox.files.disk import read_file
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, scan
from sensor_gateway.outbox.files.segment import Segment, first_of
from sensor_gateway.outbox.purge_request import PurgeRequest, read_request, requests_in
from sensor_gateway.outbox.tiers.clearance import CURSOR, Clearance, ColdParts, unacknowledged, waiting
from sensor_gateway.outbox.tiers.tail import Tail

LOOK_EVERY_S: Final = 5.0


class Purge:
    """Looks for requests, and carries them out one at a time."""

    def __init__(self, cold: ColdParts, tail: Tail, clearance: Clearance, log: Log) -> None:
        """All but the log belongs to the outbox."""
        self._cold = cold
        self._tail = tail
        self._clearance = clearance
        self._log = log
        self._look_at_s = 0.0
        self._request: PurgeRequest | None = None
        self._file = cold.shelf.directory
        self._unread: list[Segment] = []
        self._in_memory: list[Record] = []
        self._found: list[Drop] = []
        self._counted = Position(epoch=Epoch(ordinal=0, random=0), seq=Seq(0))
        self._is_noted = self._is_asked = False
        self._done = ""
        self._told: set[str] = set()

    def turn(self, now: Moment, now_s: float) -> bool:
        """One turn; whether the next one should come at once."""
        if self._request is None:
            if now_s < self._look_at_s:
                return False
            self._look_at_s = now_s + LOOK_EVERY_S
            self._look(now)
        request = self._request
        if request is None or self._cold.retry.holds_back(CURSOR, now_s):
            return False
        try:
            is_urgent = self._advance(request)
        except OSError as error:
            self._cold.retry.failed(CURSOR, error, now_s)
            return False
        if self._done == request.nonce:
            self._cold.retry.hurry()  # what goes now may be the room that was missing
            self._clearance.turn(now, now_s)
        return is_urgent

    def _look(self, now: Moment) -> None:
        """Begin with the first request that is one, and remove what is none."""
        files = requests_in(self._cold.disk, self._cold.shelf.directory)
        self._told &= {str(file) for file in files}
        for file in files:
            request = read_request(file)
            if request is not None and request.nonce != self._done and not request.is_stale(now):
                self._begin(request, file)
                return
            if self._is_removed(file) and (request is None or request.nonce != self._done):
                reason = "nobody can read it" if request is None else "whoever asked has given up by now"
                self._log.warning("purge_request_removed", file=str(file), reason=reason)

    def _is_removed(self, file: Path) -> bool:
        """Remove a request; that it stays is said once."""
        try:
            self._cold.disk.unlink(file)
        except OSError as error:
            if str(file) not in self._told:
                self._told.add(str(file))
                self._log.warning("purge_request_in_the_way", file=str(file), error=str(error))
            return False
        return True

    def _begin(self, request: PurgeRequest, file: Path) -> None:
        marks, drops = self._cold.marks, self._cold.drops
        self._request, self._file = request, file
        self._in_memory = [record for record in self._tail if _first(record) <= request.through]
        self._unread = [one for one in self._cold.shelf.segments if one.first and one.first <= request.through]
        self._found = []
        self._counted = drops.through(marks.epoch, marks.seq)
        self._is_noted = self._is_asked = False

    def _advance(self, request: PurgeRequest) -> bool:
        if self._unread:
            segment = self._unread.pop(0)
            if segment in self._cold.shelf.segments:
                self._read(segment)
            return True
        if not self._is_noted:
            self._note()
        if not self._found or self._is_safe():
            self._finish(request)
        return False

    def _read(self, segment: Segment) -> None:
        """Take in what a segment held before what was in memory when this began, which may be in cold by now."""
        data = read_file(self._cold.disk, segment.path, segment.end)
        for header, _, _ in scan(data, generation=segment.generation):
            if not self._in_memory or first_of(header) < _first(self._in_memory[0]):
                self._take(header.epoch, header.first_seq, header.last_seq, header.began, header.span_ms)

    def _note(self) -> None:
        """Everything in cold was read: add what was in memory, and note all of it as dropped."""
        for record in self._in_memory:
            self._take(record.epoch, record.first_seq, record.last_seq, record.began, record.span_ms)
        marks = self._cold.marks
        self._found = [one for one in self._found if unacknowledged(marks, one.epoch, one.first, one.last)]
        for drop in self._found:
            self._cold.drops.add(replace(drop, count=waiting(self._cold, drop.epoch, drop.first, drop.last)))
        self._is_noted = True

    def _take(self, epoch: Epoch, first: int, last: int, began: Moment, span_ms: int) -> None:
        through = self._request.through if self._request else self._counted
        if Position(epoch=epoch, seq=Seq(first)) > through:
            return
        if epoch == through.epoch:
            last = min(last, through.seq)
        if epoch == self._counted.epoch:
            first = max(first, self._counted.seq + 1)
        if epoch < self._counted.epoch or not unacknowledged(self._cold.marks, epoch, first, last):
            return
        self._counted = Position(epoch=epoch, seq=Seq(last))
        to_ms = began.wall_ms + span_ms
        known = self._found[-1] if self._found else None
        if known is not None and (known.epoch, known.last + 1) == (epoch, first):
            self._found[-1] = replace(known, last=last, to_ms=max(known.to_ms, to_ms))
            return
        found = Drop(
            epoch=epoch,
            first=first,
            last=last,
            count=0,
            cause=GapCause.PURGE,
            from_ms=began.wall_ms,
            to_ms=to_ms,
        )
        self._found.append(found)

    def _is_safe(self) -> bool:
        """Whether a cursor with these drops is on the medium; if not, that is seen to. OSError."""
        cursor = self._cold.cursor
        if cursor.is_syncing:
            return False
        if self._is_asked and cursor.safe is cursor.newest:
            return True
        self._clearance.sync_cursor()
        self._is_asked = True
        return False

    def _finish(self, request: PurgeRequest) -> None:
        count = 0
        if self._found:
            # Counted only now: what was acknowledged or dropped otherwise meanwhile was told of then.
            count = sum(waiting(self._cold, drop.epoch, drop.first, drop.last) for drop in self._found)
            in_memory = sum(self._waiting_in(record) for record in self._tail)
            self._clearance.pending = max(self._clearance.pending - count + in_memory, 0)
            self._cold.counters.drop(GapCause.PURGE, count)
            self._cold.drops.floor = self._counted
            self._tail.settle(self._counted.epoch, self._counted.seq)
        self._request, self._in_memory = None, []
        through = f"{request.through.epoch}:{request.through.seq}"
        self._log.info("outbox_purged", events=count, through=through, asked_by=request.by)
        self._done = request.nonce
        self._is_removed(self._file)

    def _waiting_in(self, record: Record) -> int:
        """How much of a record goes."""
        if record.epoch > self._counted.epoch:
            return 0
        is_last = record.epoch == self._counted.epoch
        last = min(record.last_seq, self._counted.seq) if is_last else record.last_seq
        return waiting(self._cold, record.epoch, record.first_seq, last)


def _first(record: Record) -> Position:
    return Position(epoch=record.epoch, seq=Seq(record.first_seq))
