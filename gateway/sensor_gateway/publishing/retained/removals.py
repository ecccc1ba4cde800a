"""Takes back what the broker still keeps of ours: said until it is confirmed, and then forgotten. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sensor_gateway.publishing.announcements import Announcement, Announcements
from sensor_gateway.publishing.discovery.documents import MIGRATE
from sensor_gateway.publishing.retained.settlement import Record, Settlement

NO_WORDS: Final[Mapping[str, bytes]] = MappingProxyType({})
_NOTHING: Final = b""
"""An empty retained message makes a broker forget the topic (MQTT 5, section 3.3.1.3)."""


class Removals:
    """What is still to be confirmed of a settlement; ``forget`` is given the record once nothing is."""

    def __init__(self, announcements: Announcements, forget: Callable[[Record], None]) -> None:
        """Nothing is to be removed yet."""
        self._announcements = announcements
        self._forget = forget
        self._open: set[str] = set()
        self._reduced: frozenset[str] = frozenset()
        self._wanted: Record = {}

    def begin(self, settlement: Settlement, last_words: Mapping[str, bytes] = NO_WORDS) -> None:
        """Put what takes things back; whatever takes their place is to be put after this.

        ``last_words`` are for those who listen to a topic that is cleared.
        """
        for topic in self._open & settlement.wanted.keys():
            self._announcements.drop(topic)
        self._wanted = settlement.wanted
        self._reduced = frozenset(settlement.removed)
        self._open = {*settlement.moved, *settlement.cleared, *self._reduced}
        for topic in settlement.moved:
            self._announcements.put(topic, MIGRATE)
        for topic in settlement.cleared:
            self._announcements.clear(topic, last_words.get(topic, _NOTHING))

    def confirmed(self, announcement: Announcement) -> None:
        """The broker has taken ``announcement``. What was moved is cleared now, and what was cleared is forgotten."""
        topic = announcement.topic
        if topic not in self._open:
            return
        if announcement.payload == MIGRATE:
            self._announcements.clear(topic)
            return
        if announcement.payload and topic not in self._reduced:
            return
        self._open.discard(topic)
        if not self._open:
            self._forget(self._wanted)
