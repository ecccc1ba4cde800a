"""The two logs of the tests: one that remembers, and one that nobody reads."""

from __future__ import annotations

from typing import Any


class Journal:
    """A Log that remembers: each line as its event and its facts."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.lines.append((event, facts))

    warning = error = info

    def debug(self, event: str, /, **facts: object) -> None:
        """Of no concern unless somebody looks for a fault."""

    def names(self) -> list[str]:
        """The events, in order; more may be told from another thread meanwhile."""
        return [name for name, _ in [*self.lines]]

    def facts(self, event: str) -> list[dict[str, Any]]:
        """The facts of each line about this event, in order."""
        return [facts for name, facts in [*self.lines] if name == event]


class Quiet:
    """A Log that nobody reads."""

    def info(self, event: str, /, **facts: object) -> None: ...

    debug = warning = error = info
