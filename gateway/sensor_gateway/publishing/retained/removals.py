"""Takes back what the broker still keeps of ours: said until it is confirmed, and then forgotten. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sensor_gateway.publishing.announcements import Announcement, Announcements
from sensor_gateway.publishing.discovery.documents import MIGRATE
from sensor_gateway.publishing.retained.settlement import Record, Settlement

_NOTHING: Final = b""
"""An empty retained message makes a broker forget the topic (MQTT 5, section 3.3.1.3)."""


class Removals:
    """What is still to be confirmed of a settlement; ``forget`` is given the record once nothing is."""

    def __init__(self, announcements: Announcements, forget: Callable[[Record], None]) -> None:
        """Nothing is to be removed yet."""
        self._announcements = announcements
        self._forget = forget
        self._open: set[str] = set()
        self._wanted: Record = {}

    def begin(self, settlement: Settlement) -> None:
        """Put what takes things back; whatever takes their place is to be put after this."""
        self._wanted = settlement.wanted
        self._open = {*settlement.moved, *settlement.cleared, *settlement.removed}
        for topic in settlement.moved:
            self._announcements.put(topic, MIGRATE)
        for topic in settlement.cleared:
            self._announcements.put(topic, _NOTHING)

    def confirmed(self, announcement: Announcement) -> None:
        """The broker has taken ``announcement``. What was moved is cleared now, and what was cleared is forgotten."""
        topic = announcement.topic
        if topic not in self._open:
            return
        if announcement.payload == MIGRATE:
            self._announcements.put(topic, _NOTHING)
            return
        if announcement.payload == _NOTHING:
            self._announcements.drop(topic)
        self._open.discard(topic)
        if not self._open:
            self._forget(self._wanted)
