"""Outboxes that break one rule each: a judge that lets them pass proves nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from proving.crashes.recorder import RecordingDisk
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.files import hot, record, segment
from sensor_gateway.outbox.files.segment import Segment
from sensor_gateway.outbox.files.shelf import Shelf, is_passed
from sensor_gateway.outbox.recovery import Recovery
from sensor_gateway.outbox.tiers.clearance import Clearance
from sensor_gateway.outbox.tiers.spill import Spill

BROKEN: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def _breaks(breaking: Callable[[pytest.MonkeyPatch], None]) -> Callable[[pytest.MonkeyPatch], None]:
    BROKEN[breaking.__name__.replace("_", " ")] = breaking
    return breaking


@contextmanager
def without(rule: str) -> Iterator[None]:
    """The outbox, with one rule broken."""
    with pytest.MonkeyPatch.context() as patch:
        BROKEN[rule](patch)
        yield


@_breaks
def records_have_no_checksum(patch: pytest.MonkeyPatch) -> None:
    unchecked = SimpleNamespace(
        crc32=lambda *_: 0, compress=zlib.compress, decompressobj=zlib.decompressobj, error=zlib.error
    )
    patch.setattr(record, "zlib", unchecked)
    patch.setattr(record, "_SEED", 0)


@_breaks
def nothing_is_synced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordingDisk, "note_sync", lambda self, what, through: None)


@_breaks
def a_segment_goes_before_the_cursor_is_safe(patch: pytest.MonkeyPatch) -> None:
    def drop_oldest(self: Clearance, cause: Any) -> None:
        with pytest.MonkeyPatch.context() as later:
            later.setattr(self, "sync_cursor", lambda: None)
            drop(self, cause)
        going, self._dropping = self._dropping, None
        if going is not None and going in self._parts.shelf.segments:
            self._release(going)
        self.sync_cursor()

    def free(self: Clearance, now_s: float) -> None:
        shelf, marks = self._parts.shelf, self._parts.marks
        mark = Position(epoch=marks.epoch, seq=Seq(marks.seq))
        while shelf.segments and is_passed(shelf.segments, 0, mark) and not self._parts.writer.holds(shelf.segments[0]):
            self._release(shelf.segments[0])

    drop = Clearance.drop_oldest
    patch.setattr(Clearance, "drop_oldest", drop_oldest)
    patch.setattr(Clearance, "_free", free)


@_breaks
def an_epoch_goes_on_after_a_power_cut(patch: pytest.MonkeyPatch) -> None:
    judge = Recovery._border

    def border(self: Recovery, previous: Any, on_flash: Any, *, is_proof: bool) -> Any:
        known = judge(self, previous, on_flash, is_proof=is_proof)
        last = self.shelf.last
        if last is None or last.epoch != previous:
            return known
        return replace(known, next_seq=known.next_seq or last.seq + 1, may_go_on=True)

    patch.setattr(Recovery, "_border", border)


@_breaks
def a_torn_journal_proves_its_last_seq(patch: pytest.MonkeyPatch) -> None:
    decode = hot.decode

    def believing(data: bytes) -> Any:
        contents = decode(data)
        proven = hot._proven(contents.header, contents.records, contents.mark) if contents.header else None
        return replace(contents, next_seq=proven, damage=())

    patch.setattr(hot, "decode", believing)


@_breaks
def generations_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    checked = record.header_at

    def header_at(data: bytes, at: int, *, generation: int) -> Any:
        return checked(data, at, generation=int.from_bytes(data[at + 16 : at + 24], "little"))

    patch.setattr(record, "header_at", header_at)
    patch.setattr(segment, "header_at", header_at)


@_breaks
def a_generation_is_used_twice(patch: pytest.MonkeyPatch) -> None:
    take = Shelf.take

    def take_again(self: Shelf) -> Segment:
        highest = self.generation
        if self._free:
            self.generation = self._free[-1] - 1
        taken = take(self)
        self.generation = max(highest, self.generation)
        return taken

    patch.setattr(Shelf, "take", take_again)


@_breaks
def memory_lets_go_before_the_sync_has_answered(patch: pytest.MonkeyPatch) -> None:
    write = Spill.write

    def write_and_forget(self: Spill, until_ms: float, boot: int, now_s: float) -> bool:
        is_all = write(self, until_ms, boot, now_s)
        head = self._tail.first_unwritten
        first = self._tail.first
        if first is not None:
            last = self._parts.shelf.last
            if last is not None and (head is None or head is not first):
                self._tail.settle(last.epoch, last.seq)
        return is_all

    patch.setattr(Spill, "write", write_and_forget)


@_breaks
def what_a_kill_left_unsynced_counts_as_safe(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("sensor_gateway.outbox.recovery.settle", lambda *_, **__: None)


@_breaks
def names_are_not_synced(patch: pytest.MonkeyPatch) -> None:
    noted = RecordingDisk.note_sync

    def note_sync(self: RecordingDisk, what: int | str, through: int) -> None:
        if isinstance(what, int):
            noted(self, what, through)

    patch.setattr(RecordingDisk, "note_sync", note_sync)
