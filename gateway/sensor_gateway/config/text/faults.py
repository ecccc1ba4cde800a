"""What is wrong with a configuration, and where it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A file with a line and a column, both counted from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        """As editors and terminals follow it: ``gateway.yaml:12:7``."""
        return f"{self.file}:{self.line}:{self.column}"


_LONGEST: Final = 800
_ENDLESS: Final = re.compile(r"\S{250,}")
NOWHERE: Final = Place(Path("-"), 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong: where, at which key, and a sentence that says what was expected."""

    file: Path
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        """One line for the operator: ``file:line:column path: message``."""
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column} {path}{self.message}"

    @classmethod
    def at(cls, place: Place, path: str, message: str) -> Fault:
        """A fault at ``place``; its sentence is kept on one line."""
        return cls(
            file=place.file,
            line=place.line,
            column=place.column,
            path=_on_one_line(path)[:_LONGEST],
            message=_on_one_line(message)[:_LONGEST],
        )


class Report:
    """Collects what is wrong while reading goes on, so that one run tells everything.

    ``texts`` are the files that were read. ``given`` stands in for the disk: files that were read before.
    """

    def __init__(self, given: Mapping[Path, str] | None = None) -> None:
        """Nothing is wrong yet."""
        self.given = given
        self.texts: dict[Path, str] = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self._closed: set[Place] = set()
        self._of_drivers: set[Fault] = set()

    def fault(self, place: Place, path: str, message: str) -> None:
        """Note something that makes the configuration unusable."""
        if place not in self._closed:
            self.faults.append(Fault.at(place, path, message))

    def driver_fault(self, place: Place, path: str, message: str) -> None:
        """Note a fault of an installed driver, which costs its own sensors and nothing else."""
        self.fault(place, path, message)
        self._of_drivers.add(Fault.at(place, path, message))

    @property
    def is_usable(self) -> bool:
        """Whether all that is wrong costs single sensors only."""
        return self._of_drivers.issuperset(self.faults)

    def last_fault(self, place: Place, path: str, message: str) -> None:
        """Note a fault after which nothing more about what is written there is worth saying."""
        self.fault(place, path, message)
        self._closed.add(place)

    def warning(self, place: Place, path: str, message: str) -> None:
        """Note something that works and is hardly meant."""
        self.warnings.append(Fault.at(place, path, message))


def in_order(faults: Iterable[Fault], files: Iterable[Path]) -> tuple[Fault, ...]:
    """``faults`` in the order of reading: file by file as loaded, then by line and column; each one once."""
    ranks = {file: rank for rank, file in enumerate(files)}
    unique = dict.fromkeys(faults)
    return tuple(sorted(unique, key=lambda fault: (ranks.get(fault.file, -1), fault.line, fault.column)))


def _on_one_line(text: str) -> str:
    text = _ENDLESS.sub(lambda found: f"{found[0][:60]}...", text)
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
