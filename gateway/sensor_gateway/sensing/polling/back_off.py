"""How long to leave alone what does not answer. Pure."""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 0.5
MOST_S: Final = 30.0


class BackOff:
    """Waits that double from FIRST_S up to MOST_S."""

    __slots__ = ("_next_s",)

    def __init__(self) -> None:
        """Begin with the shortest wait."""
        self._next_s = FIRST_S

    def next_s(self) -> float:
        """The wait after one more failure, in seconds."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, MOST_S)
        return wait_s

    def reset(self) -> None:
        """It answered: begin anew."""
        self._next_s = FIRST_S
