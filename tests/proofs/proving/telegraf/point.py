"""A point of InfluxDB, and the line that carries it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Field: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """``time_ns`` is None where it is not told, as for a point that gets the time of its arrival."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Field]
    time_ns: int | None

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]], int | None]:
        """What InfluxDB knows a point by: a second one with the same is written over the first."""
        return (self.measurement, frozenset(self.tags.items()), self.time_ns)


_UNQUOTED = r"(?:\\.|[^\\,= ])+"
_QUOTED = r'"(?:\\.|[^\\"])*"'
_LINE = re.compile(
    rf"(?P<name>(?:\\.|[^\\, ])+)(?P<tags>(?:,{_UNQUOTED}={_UNQUOTED})*) "
    rf"(?P<fields>{_UNQUOTED}=(?:{_QUOTED}|[^,\" ]+)(?:,{_UNQUOTED}=(?:{_QUOTED}|[^,\" ]+))*) (?P<time>-?\d+)"
)


def parse(line: str) -> Point:
    """Read InfluxDB's line protocol with a time in nanoseconds.

    Raises ``ValueError`` for what is not a whole line.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"no line protocol: {line!r}")
    tags = re.findall(rf",({_UNQUOTED})=({_UNQUOTED})", found["tags"])
    fields = re.findall(rf"({_UNQUOTED})=({_QUOTED}|[^,\" ]+)", found["fields"])
    return Point(
        measurement=_plain(found["name"]),
        tags={_plain(key): _plain(value) for key, value in tags},
        fields={_plain(key): _field(value) for key, value in fields},
        time_ns=int(found["time"]),
    )


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _field(text: str) -> Field:
    if text.startswith('"'):
        return _plain(text[1:-1])
    if text.endswith("i"):
        return int(text[:-1])
    if text in {"true", "false"}:
        return text == "true"
    return float(text)
