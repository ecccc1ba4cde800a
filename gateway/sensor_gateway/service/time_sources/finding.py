"""What a time source found, and what each of them can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

PLAUSIBLE_MS: Final = 1_767_225_600_000
"""2026-01-01: a clock before it was never set, since this program is younger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether the wall clock is set (None: nobody here can tell), and a sentence for the operator that says why."""

    is_set: bool | None
    why: str


class TimeSource(Protocol):
    """Somebody who knows whether the clock was set. Asked every few seconds, and only until the answer is yes."""

    def look(self, wall_ms: int) -> Finding:
        """Whether the clock, which shows ``wall_ms`` (since 1970), is set. Takes 20 ms at most, and never raises."""
        ...
