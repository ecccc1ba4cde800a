"""Which gateways a fleet should have: of one that has vanished, a broker that was begun anew says nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensor_gateway.publishing.fleet.fields import printable
from sensor_gateway.publishing.fleet.gateway_line import GatewayLine, unheard_line, worst_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """``count``: so many at least; ``names``: these, and others may be there too."""

    count: int = 0
    names: tuple[str, ...] = ()

    def completed(self, heard: Sequence[GatewayLine]) -> list[GatewayLine]:
        """The lines, with one for each name of which nothing was heard; the worst first."""
        there = {line.gateway for line in heard}
        missing = [printable(name) for name in self.names if printable(name) not in there]
        return worst_first([*heard, *map(unheard_line, missing)])

    def shortage(self, heard: int) -> str:
        """A sentence where too few were heard of; empty where not."""
        missing = self.count - heard
        return f"{missing} of {self.count} expected gateways not heard of" if missing > 0 else ""


def expected_of(words: str) -> Expected:
    """Of a number, or of names with commas between them. ValueError says what was expected."""
    names = tuple(dict.fromkeys(name for part in words.split(",") if (name := part.strip())))
    if len(names) == 1 and names[0].isascii() and names[0].isdigit():
        return Expected(count=int(names[0]))
    if not names or any(set(name) & set("/+#") for name in names):
        raise ValueError(f"expected how many gateways, or their names as in `barn,shed`, got {words!r}")
    return Expected(names=names)
