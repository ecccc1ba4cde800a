"""The newest events, in memory: all that is not safe in cold. The hot journal is its copy that outlives the process."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.files.record import Record
from sensor_gateway.outbox.marks import Marks


class Tail:
    """Records in the order of the stream. ``size`` is what they take in the journal, ``count`` their events.

    Those from the front that were written to cold, and wait for their sync there, are still here: after a failed
    sync they are written again.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._records: list[Record] = []
        self._head = 0
        self._unwritten = 0
        self.size = 0
        self.count = 0

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records[self._head :])

    @property
    def first(self) -> Record | None:
        """The oldest record."""
        return self._records[self._head] if self._head < len(self._records) else None

    @property
    def first_unwritten(self) -> Record | None:
        """The oldest record that was not written to cold."""
        return self._records[self._unwritten] if self._unwritten < len(self._records) else None

    def add(self, record: Record) -> None:
        """Put a record at the end."""
        self._records.append(record)
        self.size += record.size
        self.count += len(record.bodies)

    def record_after(self, epoch: Epoch, seq: int) -> Record | None:
        """The first record with an event after a position."""
        records = self._records
        if self._head == len(records):
            return None
        newest = records[-1]
        if newest.epoch is epoch and seq >= newest.last_seq:
            return None
        index = bisect_right(records, (epoch.ordinal, epoch.random, seq), lo=self._head, key=_end)
        return records[index] if index < len(records) else None

    def unacknowledged(self, marks: Marks) -> list[bytes]:
        """The events that are not acknowledged."""
        return [
            body
            for record in self
            for seq, body in enumerate(record.bodies, record.first_seq)
            if not marks.covers(record.epoch, seq)
        ]

    def settle(self, epoch: Epoch, seq: int) -> list[Record]:
        """Let records go that end at this position or below it; gives them."""
        gone: list[Record] = []
        records = self._records
        head, end = self._head, len(records)
        while head < end:
            record = records[head]
            if record.epoch is epoch or record.epoch == epoch:
                if record.first_seq + len(record.bodies) > seq + 1:
                    break
            elif record.epoch > epoch:
                break
            gone.append(record)
            head += 1
            self.size -= record.size
            self.count -= len(record.bodies)
        if gone:
            self._begin_at(head)
        return gone

    def drop_first(self) -> Record:
        """Let the oldest record go."""
        record = self._records[self._head]
        self.size -= record.size
        self.count -= len(record.bodies)
        self._begin_at(self._head + 1)
        return record

    def batch(self, size_limit: int, count_limit: int, until_ms: float, boot: int) -> list[Record]:
        """Unwritten records that may be one record in cold: of one epoch, appended by ``until_ms`` at latest.

        The first one is always taken if it is old enough; a record of another boot is.
        """
        taken: list[Record] = []
        size = count = 0
        for index in range(self._unwritten, len(self._records)):
            record = self._records[index]
            size += record.size
            count += len(record.bodies)
            if record.began.boot == boot and record.began.uptime_ms > until_ms:
                break
            if taken and (size > size_limit or count > count_limit or not _may_join(taken[-1], record)):
                break
            taken.append(record)
        return taken

    def wrote(self, records: int) -> None:
        """So many more records were written to cold."""
        self._unwritten += records

    def rewind(self) -> None:
        """What was written to cold, and not synced, counts as not written."""
        self._unwritten = self._head

    def _begin_at(self, head: int) -> None:
        self._head = head
        self._unwritten = max(self._unwritten, head)
        length = len(self._records)
        if head * 2 >= length:
            del self._records[:head]
            self._unwritten -= head
            self._head = 0


def _end(record: Record) -> tuple[int, int, int]:
    return record.epoch.ordinal, record.epoch.random, record.last_seq


def _may_join(before: Record, record: Record) -> bool:
    is_next = record.epoch == before.epoch and record.first_seq == before.last_seq + 1
    return is_next and record.refused is None
