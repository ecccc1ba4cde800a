"""Where cold ends for sure when a process was killed before a sync, and what only hot has: behind it, or left out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.drops import Drops
from sensor_gateway.outbox.files.disk import Disk, sync_file
from sensor_gateway.outbox.files.hot import HotContents, unacknowledged_from
from sensor_gateway.outbox.files.segment import Segment, first_of, headers
from sensor_gateway.outbox.files.shelf import Shelf, index_for
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.tiers.tail import Tail

_BEHIND_ALL: Final = Seq(1 << 64)


def settle(disk: Disk, shelf: Shelf, hot: HotContents, boot: int, log: Log, *, is_proof: bool) -> OSError | None:
    """Have on the medium what a killed process wrote to cold: from here on that counts as safe.

    Gives the error where that fails. Then what a sound hot journal of this boot still has counts as not in cold, so
    that it stays in hot and is written again elsewhere. What only cold has stays where it is, and is proven by the
    next start.
    """
    failure: OSError | None = None
    for segment in shelf.segments[seam(shelf.segments, hot, boot, is_proof=is_proof) :]:
        try:
            sync_file(disk, segment.path)
        except OSError as error:
            failure = error
            log.error("outbox_segment_not_synced", path=str(segment.path), error=str(error))  # noqa: TRY400
            with suppress(OSError):
                segment.write_again(disk)
    if failure is not None and is_proof and hot.records and not hot.damage:
        with suppress(OSError):
            shelf.give_up_from(first_of(hot.records[0]))
    return failure


def seam(segments: Sequence[Segment], hot: HotContents, boot: int, *, is_proof: bool) -> int:
    """The index from which segments may be in the kernel's memory only.

    A hot journal of this boot (``is_proof``) still has what was not synced. Without one, whatever may have been
    written since this boot (the first 32 bits of its id) has to be synced.
    """
    if is_proof and not hot.damage:
        if not hot.records or not segments:
            return len(segments)
        return index_for(segments, first_of(hot.records[0]))
    older = [index for index, segment in enumerate(segments) if segment.began and segment.began.boot != boot]
    return max(older, default=0)


def behind(shelf: Shelf, hot: HotContents, gone: Position, epoch: Epoch) -> Tail:
    """What only hot has, behind all that is in cold and what was acknowledged or discarded."""
    tail = Tail()
    through = max(gone, shelf.last or gone)
    end = (through.epoch, int(through.seq))
    for record in hot.records:
        if (record.epoch, record.last_seq) > end and record.epoch <= epoch:
            tail.add(record)
            end = (record.epoch, record.last_seq)
    return tail


def passed_over(disk: Disk, shelf: Shelf, hot: HotContents, gone: Position, marks: Marks, drops: Drops) -> list[bytes]:
    """What only hot has, and further epochs went past, which were begun without it: its positions fit in no more.

    Only what is known of the same epoch tells whether such an event is in cold, acknowledged or discarded.
    """
    through = max(gone, shelf.last or gone)
    ends: dict[Epoch, int] = {}
    found: list[bytes] = []
    for position, body in unacknowledged_from(hot):
        epoch, seq = position.epoch, int(position.seq)
        if epoch not in ends:
            known = (end.seq for end in (gone, drops.floor) if end is not None and end.epoch == epoch)
            ends[epoch] = max(*known, _end_in_cold(disk, shelf, epoch), 0)
        is_known = seq <= ends[epoch] or (epoch >= marks.epoch and marks.covers(epoch, seq))
        if position <= through and not is_known and not drops.within(epoch, seq, seq):
            found.append(body)
    return found


def _end_in_cold(disk: Disk, shelf: Shelf, epoch: Epoch) -> int:
    """The last seq of an epoch in cold; 0 where it has none, or does not give it back."""
    if not shelf.segments:
        return 0
    segment = shelf.segments[index_for(shelf.segments, Position(epoch=epoch, seq=_BEHIND_ALL))]
    try:
        return max((header.last_seq for header in headers(disk, segment) if header.epoch == epoch), default=0)
    except OSError:
        return 0
