"""What came of a reload, for whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a reload ended."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAULTY = "faulty"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadAnswer:
    """What changed, or what stopped it: a sentence for each thing.

    ``changes`` were made (CHANGED). ``problems`` kept everything as it was: faults as ``file:line:column path: what is
    wrong`` (FAULTY), what only a restart can change (REFUSED), or that this is not the moment (BUSY). ``notes`` are
    warnings, and what counts from the next start on.
    """

    outcome: Outcome
    changes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the gateway runs by the file as it is now."""
        return self.outcome in {Outcome.CHANGED, Outcome.UNCHANGED}
