"""Counts what waits on flash by the records that are whole, and so finds out what should wait there and does not."""

from __future__ import annotations

from sensor_gateway.outbox.files.segment import first_of, headers, last_of
from sensor_gateway.outbox.inspection.endings import missing_behind
from sensor_gateway.outbox.inspection.snapshot import Snapshot
from sensor_gateway.outbox.tiers.clearance import unacknowledged


def readable_on_flash(snapshot: Snapshot) -> int | None:
    """How many events wait in whole records; None where files went meanwhile. Reads all, and inflates nothing."""
    marks, through = snapshot.recovered.marks, snapshot.gone
    count = 0
    for segment in snapshot.shelf.segments:
        try:
            found = headers(snapshot.disk, segment)
        except OSError:
            found = []
        for header in found:
            if last_of(header) <= through:
                continue
            is_begun = first_of(header) <= through and header.epoch == through.epoch
            first = through.seq + 1 if is_begun else header.first_seq
            count += unacknowledged(marks, header.epoch, first, header.last_seq)
            through = last_of(header)
    return count if snapshot.is_still_so else None


def missing_at_the_end(snapshot: Snapshot) -> int:
    """How many events should wait behind the last one that is there."""
    last = max(snapshot.gone, snapshot.shelf.last or snapshot.gone)
    return sum(gap.count for gap in missing_behind(snapshot, last)) if not list(snapshot.recovered.tail) else 0
