"""systemd-timesyncd, which leaves a mark in the file system once it has set the clock.

The mark is described in systemd-timesyncd.service(8): ``/run/systemd/timesync/synchronized`` is touched at each
synchronisation, and is not there before the first one of a boot. Anybody may look, in a sandbox too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sensor_gateway.service.time_sources.finding import Finding

DIRECTORY: Final = Path("/run/systemd/timesync")
_MARK: Final = "synchronized"


class Timesyncd:
    """Looks for the mark."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        """Look in ``directory``."""
        self._directory = directory

    @property
    def is_there(self) -> bool:
        """Whether systemd-timesyncd runs on this machine, or did in this boot."""
        return self._directory.is_dir()

    def look(self, wall_ms: int) -> Finding:  # noqa: ARG002 (the mark tells it all)
        """Set once the mark is there."""
        try:
            is_set = (self._directory / _MARK).exists()
        except OSError as error:
            return Finding(is_set=None, why=f"{self._directory / _MARK} cannot be seen: {error.strerror}")
        if is_set:
            return Finding(is_set=True, why="systemd-timesyncd has set the clock")
        if self.is_there:
            return Finding(is_set=False, why="systemd-timesyncd has not reached a time server yet")
        return Finding(is_set=False, why=f"systemd-timesyncd does not run here: there is no {self._directory}")
