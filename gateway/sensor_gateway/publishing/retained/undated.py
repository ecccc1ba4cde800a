"""What was announced with a moment of a clock that was not set: it is said again with the right one. Pure."""

from __future__ import annotations

from collections.abc import Callable

from sensor_gateway.model.reading import ClockState, Stamp


class Undated:
    """Announcements that carry a moment; at most one for each topic is remembered."""

    def __init__(self, put: Callable[[str, bytes], None]) -> None:
        """Announce by ``put``."""
        self._put = put
        self._later: dict[str, tuple[Stamp, Callable[[Stamp], bytes]]] = {}

    def say(self, topic: str, moment: Stamp, payload: Callable[[Stamp], bytes]) -> None:
        """Announce ``payload`` of this moment, and again once the clock is known."""
        self._later.pop(topic, None)
        if moment.clock is ClockState.UNSYNCED:
            self._later[topic] = (moment, payload)
        self._put(topic, payload(moment))

    def forget(self, topic: str) -> None:
        """What was said on this topic is not to be said again."""
        self._later.pop(topic, None)

    def correct(self, offset_ms: int) -> None:
        """The time is ``uptime_ms + offset_ms``: say all anew."""
        later, self._later = self._later, {}
        for topic, (moment, payload) in later.items():
            wall_ms = moment.uptime_ms + offset_ms
            self._put(topic, payload(Stamp(uptime_ms=moment.uptime_ms, wall_ms=wall_ms, clock=ClockState.CORRECTED)))
