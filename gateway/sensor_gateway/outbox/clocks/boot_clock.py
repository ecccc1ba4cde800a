"""What is known of the wall clock, boot by boot: which events can be corrected, and when subscribers are told.

Everything in here follows from stamps. The system's clock may jump as it likes: order, ages and limits rest on boot
time, and on what the clock showed when it was first known to be right.
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.event_json import boot_of, corrected, is_unsynced, uptime_of
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.outbox.clocks.clock_file import MOST_BOOTS, ClockFile, KnownClock
from sensor_gateway.outbox.files.moment import Moment

JUMP_MS: Final = 1000
UNKNOWN_BOOT: Final = "00000000"
_QUIET_MS: Final = 60_000
_RETRY_MS: Final = 30_000
_DOUBTED: Final = (
    "nothing here tells which of the two times was right, so events say that the clock is not set; "
    "let clock.source name what sets it"
)


class BootClock:
    """The clocks of this boot and of those before it. Of a boot whose id is unknown, nothing is kept."""

    def __init__(self, boot: str, log: Log) -> None:
        """Nothing is known yet. ``boot``: its id's first 8 digits, as events carry them."""
        self._boot = boot
        self._number = int(boot, 16)
        self._log = log
        self._clocks: dict[str, KnownClock | None] = {}
        self._file: ClockFile | None = None
        self._unwritten_until_ms: int | None = None
        self._is_set = False
        self._first_ms: int | None = None
        self._offset_ms: int | None = None
        self._other_ms: int | None = None
        self._quiet_until_ms = 0

    @property
    def is_due(self) -> bool:
        """Whether this boot's clock is known now, after it was not, and nobody was told yet."""
        return self._is_set and self._boot in self._clocks and self._clocks[self._boot] is None

    @property
    def offset_ms(self) -> int:
        """What to add to this boot's uptime to get the time: as the clock said when it was first known to be set."""
        return self._first_ms or 0

    def begin(self, file: ClockFile | None, now: Stamp) -> None:
        """Take what a directory keeps, and mark this boot there if its clock is not set. Waits for the medium."""
        if file is not None:
            self._clocks = {**file.read(), **self._clocks}
        is_known = self._boot in self._clocks
        self.look(now)
        self._file = file
        known = self._clocks.get(self._boot)
        if known is not None and self._first_ms is None:
            self._first_ms = known.offset_ms
        if file is not None and not is_known and self._boot in self._clocks:
            try:
                file.write(self._clocks)
                self._unwritten_until_ms = None
            except OSError:
                self._unwritten_until_ms = now.uptime_ms + _RETRY_MS

    def look(self, now: Stamp) -> Moment:
        """Now, as records have it; notes what has become of the clock since the last look."""
        self._watch(now)
        is_set = now.clock is not ClockState.UNSYNCED
        if is_set and self._first_ms is None:
            self._first_ms = now.wall_ms - now.uptime_ms
        if self._is_set and not is_set:
            self._log.warning("clock_doubted", mind=_DOUBTED)
        self._is_set = is_set
        if not is_set and self._boot not in self._clocks and self._boot != UNKNOWN_BOOT:
            self._clocks[self._boot] = None
            self._unwritten_until_ms = now.uptime_ms
        self._write(now)
        wall_ms = now.wall_ms if self._first_ms is None or not is_set else now.uptime_ms + self._first_ms
        return Moment(boot=self._number, uptime_ms=now.uptime_ms, wall_ms=wall_ms, is_unsynced=not is_set)

    def told(self, now: Stamp) -> None:
        """The event that tells of this boot's clock is stored: from now on, what was not sent yet is corrected."""
        self._clocks[self._boot] = KnownClock(offset_ms=self.offset_ms, since_ms=now.uptime_ms)
        self._clocks = dict(list(self._clocks.items())[-MOST_BOOTS:])
        self._unwritten_until_ms = now.uptime_ms
        self._log.info("clock_set", offset_ms=self.offset_ms, uptime_s=now.uptime_ms // 1000)
        self._write(now)

    def improved(self, body: bytes) -> bytes:
        """An encoded event with its right time, where it was stamped before its boot's clock was set."""
        if not self._clocks or not is_unsynced(body):
            return body
        known, uptime_ms = self._clocks.get(boot_of(body)), uptime_of(body)
        if known is None or uptime_ms > known.since_ms:
            return body
        return corrected(body, uptime_ms + known.offset_ms)

    def _write(self, now: Stamp) -> None:
        """Add this boot's line, if that is left to do."""
        if self._file is None or self._unwritten_until_ms is None or now.uptime_ms < self._unwritten_until_ms:
            return
        try:
            self._file.add(self._boot, self._clocks[self._boot])
            self._unwritten_until_ms = None
        except OSError:
            self._unwritten_until_ms = now.uptime_ms + _RETRY_MS

    def _watch(self, now: Stamp) -> None:
        """Tell of a jump once it was seen twice: between the two clocks of one stamp, the process may be stopped."""
        offset_ms = now.wall_ms - now.uptime_ms
        before_ms, other_ms = self._offset_ms, self._other_ms
        if before_ms is None or abs(offset_ms - before_ms) <= JUMP_MS:
            self._offset_ms, self._other_ms = offset_ms, None
        elif other_ms is None or abs(offset_ms - other_ms) > JUMP_MS:
            self._other_ms = offset_ms
        else:
            self._offset_ms, self._other_ms = offset_ms, None
            if now.uptime_ms >= self._quiet_until_ms:
                self._quiet_until_ms = now.uptime_ms + _QUIET_MS
                self._log.warning("clock_jumped", by_s=round((offset_ms - before_ms) / 1000, 1), clock=now.clock.value)
