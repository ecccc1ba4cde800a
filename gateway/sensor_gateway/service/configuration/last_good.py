"""The last configuration that ran, kept in the state directory for a start with a faulty one.

Written only where it differs from what is there, in one piece. Where it is damaged or cannot be written, the gateway
runs as well: all that is missing is the fallback.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.outbox.files.disk import Disk, read_file, write_atomically
from sensor_gateway.service.configuration.copies import Copies, unpacked

FILE: Final = "last-configuration"
PROVEN_AFTER_S: Final = 10.0
"""So long the gateway must have run by a configuration before it is kept."""

_LONGEST: Final = 64_000_000


class LastGood:
    """One file in the state directory."""

    def __init__(self, state_directory: Path, *, disk: Disk | None = None) -> None:
        """Nothing is touched yet."""
        self._file = state_directory / FILE
        self._disk = disk or Disk()
        self._waiting: Copies | None = None
        self._from_s = 0.0

    def read(self, configuration: Path) -> Copies | None:
        """The copies of that configuration file; None where there are none that could be used."""
        copies = unpacked(self._present())
        return copies if copies is not None and copies.parts[:1] == (configuration.absolute(),) else None

    def ran(self, copies: Copies | None, now_s: float) -> None:
        """The gateway runs by it from now on; None for one that cannot be kept."""
        self._waiting = copies
        self._from_s = now_s + PROVEN_AFTER_S

    def turn(self, now_s: float, log: Log) -> None:
        """Keep what has run for long enough, if it is not what is kept already."""
        copies = self._waiting
        if copies is None or now_s < self._from_s:
            return
        self._waiting = None
        data = copies.packed()
        if data == self._present():
            return
        try:
            write_atomically(self._disk, self._file, data)
        except OSError as error:
            log.warning("configuration_not_kept", file=str(self._file), reason=str(error))

    def _present(self) -> bytes:
        try:
            return read_file(self._disk, self._file, _LONGEST)
        except OSError:
            return b""
