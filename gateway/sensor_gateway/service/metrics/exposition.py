"""The text format of Prometheus, version 0.0.4: families of samples, with what each is for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sensor_gateway.model.vitals.gateway_health import Health

PREFIX: Final = "sensor_gateway_"

Kind: TypeAlias = Literal["counter", "gauge"]
Sample: TypeAlias = tuple[str, float | None]
"""Labels as they are written, with their braces, or empty; and a value, None where it is not known."""

_IN_A_LABEL: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric: its name without the prefix, what it means, and its samples out of a health value."""

    name: str
    kind: Kind
    meaning: str
    samples: Callable[[Health], Iterable[Sample]]

    @property
    def head(self) -> str:
        """What stands above its samples."""
        name = f"{PREFIX}{self.name}"
        return f"# HELP {name} {self.meaning}\n# TYPE {name} {self.kind}\n"


def labels(**pairs: str) -> str:
    """Labels as they are written: backslash, quotation mark and end of line are escaped."""
    return "{" + ",".join(f'{name}="{value.translate(_IN_A_LABEL)}"' for name, value in pairs.items()) + "}"


def exposition(families: Iterable[Family], health: Health) -> bytes:
    """The whole page. What is not known is left out; a family of which nothing is known keeps its head."""
    return "".join(_lines(families, health)).encode("utf-8", "replace")


def _lines(families: Iterable[Family], health: Health) -> Iterator[str]:
    for family in families:
        yield family.head
        name = f"{PREFIX}{family.name}"
        for written, value in family.samples(health):
            if value is not None:
                yield f"{name}{written} {value!r}\n"
