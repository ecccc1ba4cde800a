"""Where events go that the broker will never take: one file for a person to look at. Bounded, and never in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.publishing.stream.batch import StoredEvent

MOST_BYTES: Final = 1_000_000


class RefusedEvents:
    """Appends each event with the reason, as a line of JSON, and syncs it before anything goes on."""

    def __init__(self, file: Path, log: Log) -> None:
        """Nothing is touched before there is such an event."""
        self._file = file
        self._log = log

    def keep(self, event: StoredEvent, why: str) -> None:
        """Keep a copy, if there is room for it. A copy that cannot be kept is logged; the gap tells of the loss."""
        line = f'{{"why":{json.dumps(why)},"event":{event.body.decode()}}}\n'.encode()
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self._file.exists()
            with self._file.open("ab") as out:
                if out.tell() + len(line) > MOST_BYTES:
                    self._log.warning("refused_event_not_kept", file=str(self._file), reason="the file is full")
                    return
                out.write(line)
                out.flush()
                os.fsync(out.fileno())
            if is_new:
                _sync_directory(self._file.parent)
        except OSError as error:
            self._log.warning("refused_event_not_kept", file=str(self._file), reason=str(error))


def _sync_directory(directory: Path) -> None:
    """Make the names in it outlive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
