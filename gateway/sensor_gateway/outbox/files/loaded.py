"""The directory on flash, as a start finds it: its segments, its cursor, and whether it can be used at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.outbox.files.cursor import CursorFile
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.shelf import Shelf, ShelfLimits
from sensor_gateway.outbox.settings import OutboxSettings

CURSOR_NAME: Final = "cursor-mqtt"


class Loaded:
    """What is in the directory. ``failure``: it could not be loaded, and nothing in it may be touched."""

    def __init__(self, disk: Disk, directory: Path, settings: OutboxSettings, log: Log) -> None:
        """Load it. One that cannot be loaded is not used, and is left as it is for a start that can."""
        limits = ShelfLimits(
            segment_size=settings.segment_size, max_size=settings.max_size, keep_free=settings.keep_free
        )
        self.shelf = Shelf(disk, directory, limits)
        self.cursor = CursorFile(disk, directory / CURSOR_NAME)
        self.failure: OSError | None = None
        try:
            self.cursor.load()
            self.shelf.load(self.cursor.newest.generation if self.cursor.newest else 0)
        except OSError as error:
            self.failure = error
            self.shelf.segments.clear()
        if self.shelf.unreadable:
            log.error("outbox_segments_not_readable", directory=str(directory), segments=self.shelf.unreadable)
