"""Whether everybody who must not stand still has moved: the ground for each sign of life. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_NOWHERE = -1


class Vigil:
    """Compares with the last time that all was well. Asked by the main thread, which moves itself by asking."""

    def __init__(self) -> None:
        """Nobody was seen yet."""
        self._publisher = _NOWHERE
        self._buses: Mapping[str, int] = {}

    def fault(self, publisher: int, buses: Mapping[str, int]) -> str:
        """Who has not moved since all was well: the publisher, or not one bus where there are any. Empty for nobody.

        The numbers are those of turns made. One bus that hangs is reported, and no reason to begin everything anew.
        """
        has_bus_moved = not buses or any(turns != self._buses.get(name, _NOWHERE) for name, turns in buses.items())
        if publisher == self._publisher:
            return "the publisher made no progress"
        if not has_bus_moved:
            return "no bus made progress"
        self._publisher, self._buses = publisher, dict(buses)
        return ""
