"""Where cold ends for sure, when a process was killed between writing a segment and its sync."""

from __future__ import annotations

from collections.abc import Sequence

from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.files.disk import Disk, sync_file
from sensor_gateway.outbox.files.hot import HotContents
from sensor_gateway.outbox.files.segment import Segment
from sensor_gateway.outbox.files.shelf import Shelf, index_for


def settle(disk: Disk, shelf: Shelf, hot: HotContents, boot: int, log: Log, *, is_proof: bool) -> None:
    """Have on the medium what a killed process wrote to cold: from here on that counts as safe."""
    try:
        for segment in shelf.segments[seam(shelf.segments, hot, boot, is_proof=is_proof) :]:
            sync_file(disk, segment.path)
    except OSError as error:
        log.error("outbox_segments_not_synced", directory=str(shelf.directory), error=str(error))  # noqa: TRY400


def seam(segments: Sequence[Segment], hot: HotContents, boot: int, *, is_proof: bool) -> int:
    """The index from which segments may be in the kernel's memory only.

    A hot journal of this boot (``is_proof``) still has what was not synced. Without one, whatever may have been
    written since this boot (the first 32 bits of its id) has to be synced.
    """
    if is_proof and not hot.damage:
        if not hot.records or not segments:
            return len(segments)
        first = hot.records[0]
        return index_for(segments, Position(epoch=first.epoch, seq=Seq(first.first_seq)))
    older = [index for index, segment in enumerate(segments) if segment.began and segment.began.boot != boot]
    return max(older, default=0)
