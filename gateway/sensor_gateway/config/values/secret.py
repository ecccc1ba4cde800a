"""Values of the configuration that nobody may see by accident, and the names of the files that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor_gateway.config.text.faults import NOWHERE, Place

HIDDEN = "(hidden)"


class Secret:
    """A password or key. It shows itself to ``reveal()`` only: never in repr, logs, tracebacks or ``config show``."""

    __slots__ = ("_text", "place")

    def __init__(self, text: str, place: Place | None = None) -> None:
        """Keep ``text``, and where it is written if that is a configuration file."""
        self._text = text
        self.place = place

    def reveal(self) -> str:
        """The text itself, for the one library that needs it."""
        return self._text

    def __repr__(self) -> str:
        """Not the secret."""
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same text."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Equal secrets hash alike."""
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """The name of a secret, as written: a credential of the service, or a file beside the configuration file."""

    name: str
    place: Place = field(default=NOWHERE, compare=False)
