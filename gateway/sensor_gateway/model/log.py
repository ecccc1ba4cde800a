"""The one way in which a room tells the operator something. The library behind it stays with the service."""

from __future__ import annotations

from typing import Protocol


class Log(Protocol):
    """Takes an event name in the past tense, and facts as keywords. Never called per reading."""

    def debug(self, event: str, /, **facts: object) -> object:
        """What helps while somebody looks for a fault, and is not written otherwise."""
        ...

    def info(self, event: str, /, **facts: object) -> object:
        """What an operator would want to read tomorrow: start, stop, lost, found."""
        ...

    def warning(self, event: str, /, **facts: object) -> object:
        """Something is wrong, and the gateway goes on."""
        ...

    def error(self, event: str, /, **facts: object) -> object:
        """Something is wrong, and somebody must act."""
        ...
