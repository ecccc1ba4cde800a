"""Keeps the hot journal a copy of what is in memory, so that it never proves a seq that was passed without it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.alarm import Retry
from sensor_gateway.outbox.drops import Drop, Drops
from sensor_gateway.outbox.files.hot import HotHeader, HotJournal, HotMark, unacknowledged_in
from sensor_gateway.outbox.files.notes import frame_mark
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.tiers.tail import Tail

_JOB: Final = "hot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What the journal is the copy of: what its owner changes, it reads."""

    tail: Tail
    marks: Marks
    drops: Drops


class HotCopy:
    """The journal's owner. ``standing``: of which epoch is the file that is there, and may have to be removed."""

    def __init__(self, journal: HotJournal, copied: Copied, retry: Retry, standing: Epoch | None) -> None:
        """Nothing is touched before ``begin``."""
        self._journal = journal
        self._tail, self._marks, self._drops = copied.tail, copied.marks, copied.drops
        self._retry = retry
        self._standing = standing
        self._is_marked = True
        self._is_unread = False
        self._late: list[bytes] = []

    @property
    def is_open(self) -> bool:
        """Whether what is added outlives the process."""
        return self._journal.is_open

    def begin(self, header: HotHeader, now_s: float) -> None:
        """Replace the journal by one with what is in the tail. Where that fails, there is none afterwards."""
        if self._is_unread:
            return
        try:
            self._journal.begin(header, self._tail, _mark_of(self._marks), _noted(self._drops))
        except OSError as error:
            self._fail(error, now_s)
        else:
            self._standing = header.epoch
            self._is_marked = True
            self._retry.worked(_JOB)

    def add(self, data: bytes, monotonic: Callable[[], float]) -> bool:
        """Add a record; whether it is kept. Where not, the journal is gone before anybody learns of its seq.

        One that can neither be written nor removed is told by ``proves_too_little``.
        """
        try:
            return self._journal.append(data)
        except OSError as error:
            self._fail(error, monotonic())
            return False

    def proves_too_little(self, epoch: Epoch) -> bool:
        """Whether a restart could go on in this epoch, and give out again what was given out without the journal."""
        return self._standing == epoch and not self._journal.is_open

    def note_marks(self) -> None:
        """Something was acknowledged."""
        self._is_marked = False

    def look(self, header: Callable[[], HotHeader], now_s: float) -> None:
        """See whether the file is still there; one that somebody removed is made anew, with all that is not in cold."""
        try:
            self._journal.check()
        except OSError as error:
            self._fail(error, now_s)
            self.begin(header(), now_s)

    def turn(self, header: Callable[[], HotHeader], slack: int, now_s: float) -> None:
        """Write acknowledgements down, empty the journal where most of it is needed no more, and try again."""
        if not self._journal.is_open:
            if self._is_unread and self._retry.may_try(now_s):
                self._read_late(now_s)
            elif self._retry.may_try(now_s):
                self.begin(header(), now_s)
            return
        if self._journal.size > self._tail.size + slack:
            self._rewrite(header(), slack, now_s)
        if not self._is_marked:
            mark = _mark_of(self._marks)
            self._is_marked = True
            self.add(frame_mark(mark.epoch, mark.seq, mark.ranges), lambda: now_s)

    def leave_unread(self, error: OSError, now_s: float) -> None:
        """The journal that is there could not be read: it is left as it is until it can be."""
        self._is_unread = True
        self._retry.failed(_JOB, error, now_s)

    def late_strays(self) -> list[bytes]:
        """Events of such a journal, once it could be read. They are to be stored before the next turn."""
        late, self._late = self._late, []
        return late

    def _read_late(self, now_s: float) -> None:
        try:
            self._late = unacknowledged_in(self._journal.read())
            self._is_unread = False
        except OSError as error:
            self._retry.failed(_JOB, error, now_s)

    def close(self, *, is_settled: bool) -> None:
        """Let the journal go. ``is_settled``: nothing in it is needed, and nothing may go on from it."""
        if is_settled:
            with suppress(OSError):
                self._journal.invalidate()
        self._journal.close()

    def _rewrite(self, header: HotHeader, slack: int, now_s: float) -> None:
        try:
            self._journal.begin(header, self._tail, _mark_of(self._marks), _noted(self._drops))
            self._standing = header.epoch
            self._is_marked = True
        except OSError as error:
            # The old journal is whole and goes on growing; it is given up only when it cannot be written.
            if self._journal.size > self._tail.size + 4 * slack:
                self._fail(error, now_s)

    def _fail(self, error: OSError, now_s: float) -> None:
        self._retry.failed(_JOB, error, now_s)
        with suppress(OSError):
            self._journal.invalidate()
            self._standing = None


def _mark_of(marks: Marks) -> HotMark:
    return HotMark(epoch=marks.epoch, seq=marks.seq, ranges=tuple(marks.ranges))


def _noted(drops: Drops) -> list[Drop]:
    """A purge counts once the cursor tells of it, and not before."""
    return [drop for drop in drops if drop.cause is not GapCause.PURGE]
