"""Hears that Home Assistant has started, and says all of discovery again, a little later. Pure.

It asks for that: what is retained may have been lost with the broker's store while it was away
(https://www.home-assistant.io/integrations/mqtt/#birth-and-last-will-messages).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import inf
from typing import Final

from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.discovery.settings import BirthSettings
from sensor_gateway.publishing.incoming import Incoming

_LEAST_S: Final = 10.0
"""Discovery is said no more often, whoever publishes births."""


class Birth:
    """A listener. ``chance`` spreads the answers of many gateways; ``discovery`` is what is said, kept up to date."""

    def __init__(self, settings: BirthSettings, chance: random.Random) -> None:
        """Nobody is born yet, and there is nothing to say."""
        self.discovery: Sequence[Announcement] = ()
        self._settings = settings
        self._chance = chance
        self._due_s = inf
        self._not_before_s = -inf

    @property
    def topics(self) -> tuple[str, ...]:
        """Where Home Assistant tells of its start."""
        return (self._settings.topic,)

    def hear(self, incoming: Incoming, now_s: float, _now: Stamp) -> Sequence[Announcement]:
        """A birth makes discovery due. A retained one is none: this connection has just been told everything."""
        is_birth = incoming.topic == self._settings.topic and incoming.payload == self._settings.payload
        if is_birth and not incoming.is_retained and self._due_s == inf:
            self._due_s = max(now_s + self._chance.uniform(0.0, self._settings.spread_s), self._not_before_s)
        return ()

    def tend(self, now_s: float, _now: Stamp) -> Sequence[Announcement]:
        """All of discovery, once it is due."""
        if now_s < self._due_s:
            return ()
        self._due_s = inf
        self._not_before_s = now_s + _LEAST_S
        return self.discovery

    def wait_s(self, now_s: float) -> float:
        """Seconds until discovery is due; ``inf`` while it is not."""
        return max(self._due_s - now_s, 0.0)
