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

    def is_kept(self, publisher: int, buses: Mapping[str, int]) -> bool:
        """Whether the publisher, and one bus at least where there are any, have moved since this was last so.

        The numbers are those of turns made. One bus that hangs is reported, and no reason to begin everything anew.
        """
        has_bus_moved = not buses or any(turns != self._buses.get(name, _NOWHERE) for name, turns in buses.items())
        if publisher == self._publisher or not has_bus_moved:
            return False
        self._publisher, self._buses = publisher, dict(buses)
        return True
