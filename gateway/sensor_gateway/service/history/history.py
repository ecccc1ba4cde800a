"""Keeps the note of this life in the state directory: at the start, at the end, and rarely between. The main thread's.

Each note is written by a short-lived thread, which is given bytes: a card that does not answer holds nobody up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.bus_report import SensorTally
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.vitals.past import Ending
from sensor_gateway.outbox.files.disk import Disk, read_file, write_atomically
from sensor_gateway.service.history.note import MOST_BYTES, Note, packed, recalled, unpacked

FILE: Final = "history"
NOTES_EVERY_S: Final = 600.0
"""At most, and only when a poll has failed meanwhile."""

_LOOKS_EVERY_S: Final = 60.0
ENDS_WITHIN_S: Final = 1.0
"""The note of the end is waited for no longer."""


class History:
    """A life as a context: it begins, and it ends cleanly or by an exception. ``recalled`` is of the lives before."""

    def __init__(
        self,
        state_directory: Path,
        boot: str,
        *,
        tallies: Callable[[], Iterable[SensorTally]],
        clock: Clock,
        log: Log,
        disk: Disk | None = None,
    ) -> None:
        """Read what is there; nothing is written yet. ``tallies`` tells of each sensor since its bus was begun."""
        self._file = state_directory / FILE
        self._disk = disk or Disk()
        self._tallies = tallies
        self._clock = clock
        self._log = log
        self.recalled = recalled(self._read(), boot)
        past = self.recalled.past
        self._note = Note(
            boot=boot,
            starts=past.starts,
            starts_this_boot=past.starts_this_boot,
            ended=None,
            reason="",
            noted=Rfc3339(""),
            failures=dict(self.recalled.failures),
        )
        self._counted: dict[str, int] = {}
        self._look_at_s = self._note_at_s = 0.0
        self._is_changed = False
        self._is_ended = False
        self._is_warned = False
        self._writing: threading.Thread | None = None

    def __enter__(self) -> None:
        """The life begins."""
        now_s = self._clock.monotonic()
        self._look_at_s, self._note_at_s = now_s + _LOOKS_EVERY_S, now_s + NOTES_EVERY_S
        self._keep()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """It ends."""
        if kind is None:
            self.end(Ending.CLEAN)
        else:
            self.end(Ending.CRASHED, f"{kind.__name__}: {error}")

    def turn(self, now_s: float) -> None:
        """Count failures once a minute, and note them every ten if there are new ones."""
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOKS_EVERY_S
        self._count()
        if self._is_changed and now_s >= self._note_at_s:
            self._note_at_s = now_s + NOTES_EVERY_S
            self._keep()

    def foresee(self, why: str) -> None:
        """The watchdog will end it, for this reason, unless something moves again; empty for not any more."""
        ending = Ending.WATCHDOG if why else None
        is_writing = self._writing is not None and self._writing.is_alive()
        if not (self._is_ended or is_writing or self._note.ended is ending):
            self._note = replace(self._note, ended=ending, reason=why)
            self._keep()

    def end(self, ending: Ending, reason: str = "") -> None:
        """Note how it ends, which takes a second at most. The first word stands."""
        if self._is_ended:
            return
        self._is_ended = True
        self._count()
        self._note = replace(self._note, ended=ending, reason=reason)
        if self._writing is not None:
            self._writing.join(ENDS_WITHIN_S / 2)
        self._keep()
        if self._writing is not None:
            self._writing.join(ENDS_WITHIN_S / 2)

    def _count(self) -> None:
        failures = dict(self._note.failures)
        for tally in self._tallies():
            known = self._counted.get(tally.sensor, 0)
            more = tally.failures - known if tally.failures >= known else tally.failures
            self._counted[tally.sensor] = tally.failures
            if more:
                failures[tally.sensor] = failures.get(tally.sensor, 0) + more
                self._is_changed = True
        self._note = replace(self._note, failures=failures)

    def _keep(self) -> None:
        if self._writing is not None and self._writing.is_alive():
            return
        self._is_changed = False
        self._note = replace(self._note, noted=Rfc3339(rfc3339(self._clock.stamp().wall_ms)))
        self._writing = threading.Thread(target=self._write, args=(packed(self._note),), name="history", daemon=True)
        self._writing.start()

    def _write(self, data: bytes) -> None:
        try:
            write_atomically(self._disk, self._file, data)
        except OSError as error:
            if not self._is_warned:
                self._is_warned = True
                mind = "after a reboot nobody will know how this life ended"
                self._log.warning("history_not_kept", file=str(self._file), reason=str(error), mind=mind)

    def _read(self) -> Note | None:
        try:
            return unpacked(read_file(self._disk, self._file, MOST_BYTES))
        except OSError:
            return None
