"""How the steps of a channel's filters are written, read, shown and described by a schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sensor_gateway.changes.filters import (
    Clamp,
    ExponentialAverage,
    FilterSpec,
    Linear,
    Median,
    MovingAverage,
    Multiply,
    Offset,
    Round,
    SkipInitial,
)
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import Entry, ListNode, MapNode, Node, ScalarNode, described, joined
from sensor_gateway.config.values.foreign_words import FOREIGN_FILTERS, MOVED_FILTERS
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.near_miss import expectation
from sensor_gateway.config.values.readers import INVALID, Reader, report_unknown, scalar_reader, tuple_reader

_NUMBER: Final = scalar_reader(KINDS[float])
_COUNT: Final = scalar_reader(KINDS[int])
_PAIRS: Final = tuple_reader((tuple_reader((_NUMBER, _NUMBER)),), is_open=True)
_LINEAR_FORM: Final = "linear: [[raw, true], [raw, true]]"
_ARROW: Final = re.compile(r"\s*([-+.0-9eE]{1,30})\s*->\s*([-+.0-9eE]{1,30})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterKind:
    """One filter: its class, and how its argument is read, written and described."""

    spec: type
    read: Reader
    make: Callable[[Any], FilterSpec]
    write: Callable[[Any], object]
    schema: Mapping[str, object]


def _read_linear(node: Node, path: str, report: Report) -> object:
    if isinstance(node, ListNode) and all(isinstance(item, ListNode) for item in node.items):
        return _PAIRS(node, path, report)
    items = node.items if isinstance(node, ListNode) else (node,)
    odd = next((item for item in items if not isinstance(item, ListNode)), node)
    came = f"{described(odd)} for a point" if isinstance(node, ListNode) else described(node)
    report.fault(node.place, path, f"expected `{_points_meant(items) or _LINEAR_FORM}`, got {came}")
    return INVALID


def _points_meant(items: Sequence[Node]) -> str:
    """The points that ESPHome writes as ``0.0 -> 1.5``."""
    arrows = [_ARROW.fullmatch(item.text) if isinstance(item, ScalarNode) else None for item in items[:20]]
    points = [f"[{found[1]}, {found[2]}]" for found in arrows if found]
    return f"linear: [{', '.join(points)}]" if len(points) == len(items) > 1 else ""


def _read_clamp(node: Node, path: str, report: Report) -> object:
    entries: Mapping[str, Entry] = node.entries if isinstance(node, MapNode) else {}
    if not isinstance(node, MapNode):
        report.fault(node.place, path, f"expected {{min: ..., max: ...}}, got {described(node)}")
        return INVALID
    report_unknown(node, path, report, {"min": None, "max": None})
    ends = []
    for key in ("min", "max"):
        if key in entries:
            ends.append(_NUMBER(entries[key].node, joined(path, key), report))
        else:
            report.fault(node.place, joined(path, key), f"`{key}` is missing; expected {{min: ..., max: ...}}")
            ends.append(INVALID)
    return INVALID if INVALID in ends else tuple(ends)


_INTEGER: Final[Mapping[str, object]] = MappingProxyType({"type": "integer", "minimum": 1})
_ANY_NUMBER: Final[Mapping[str, object]] = MappingProxyType({"type": "number"})

FILTERS: Final[Mapping[str, FilterKind]] = MappingProxyType(
    {
        "median": FilterKind(
            spec=Median, read=_COUNT, make=lambda n: Median(n=n), write=lambda spec: spec.n, schema=_INTEGER
        ),
        "moving_average": FilterKind(
            spec=MovingAverage,
            read=_COUNT,
            make=lambda n: MovingAverage(n=n),
            write=lambda spec: spec.n,
            schema=_INTEGER,
        ),
        "exponential_average": FilterKind(
            spec=ExponentialAverage,
            read=_NUMBER,
            make=lambda alpha: ExponentialAverage(alpha=alpha),
            write=lambda spec: spec.alpha,
            schema=MappingProxyType({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
        ),
        "offset": FilterKind(
            spec=Offset, read=_NUMBER, make=lambda by: Offset(by=by), write=lambda spec: spec.by, schema=_ANY_NUMBER
        ),
        "multiply": FilterKind(
            spec=Multiply, read=_NUMBER, make=lambda by: Multiply(by=by), write=lambda spec: spec.by, schema=_ANY_NUMBER
        ),
        "linear": FilterKind(
            spec=Linear,
            read=_read_linear,
            make=lambda points: Linear(points=points),
            write=lambda spec: [list(point) for point in spec.points],
            schema=MappingProxyType(
                {
                    "type": "array",
                    "minItems": 2,
                    "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
                }
            ),
        ),
        "clamp": FilterKind(
            spec=Clamp,
            read=_read_clamp,
            make=lambda ends: Clamp(low=ends[0], high=ends[1]),
            write=lambda spec: {"min": spec.low, "max": spec.high},
            schema=MappingProxyType(
                {
                    "type": "object",
                    "properties": {"min": {"type": "number"}, "max": {"type": "number"}},
                    "required": ["min", "max"],
                    "additionalProperties": False,
                }
            ),
        ),
        "round": FilterKind(
            spec=Round,
            read=_COUNT,
            make=lambda digits: Round(digits=digits),
            write=lambda spec: spec.digits,
            schema=MappingProxyType({"type": "integer"}),
        ),
        "skip_initial": FilterKind(
            spec=SkipInitial, read=_COUNT, make=lambda n: SkipInitial(n=n), write=lambda spec: spec.n, schema=_INTEGER
        ),
    }
)
"""The filters by the names that users write."""


def read_filter(node: Node, path: str, report: Report) -> object:
    """One step of ``filters:``, a mapping of one filter to its argument."""
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        came = f"{len(node.entries)} keys in one step" if isinstance(node, MapNode) else described(node)
        report.fault(node.place, path, f"expected one filter with its value, like `- median: 5`, got {came}")
        return INVALID
    ((name, entry),) = node.entries.items()
    here = joined(path, name)
    kind = FILTERS.get(name)
    if kind is None:
        moved = MOVED_FILTERS.get(name)
        meant = FOREIGN_FILTERS.get(name)
        hint = moved or expectation(name, list(FILTERS), _LINEAR_FORM if meant == "linear" else meant)
        report.fault(entry.place, here, f"unknown filter `{name[:60]}`; {hint}")
        return INVALID
    value = kind.read(entry.node, here, report)
    return INVALID if value is INVALID else _made(kind, value, entry.node, here, report)


def write_filter(spec: FilterSpec) -> object:
    """As it stands in a file."""
    return next({name: kind.write(spec)} for name, kind in FILTERS.items() if isinstance(spec, kind.spec))


def _made(kind: FilterKind, value: object, node: Node, path: str, report: Report) -> object:
    try:
        return kind.make(value)
    except ValueError as error:
        name = path.rpartition(".")[2]
        report.fault(node.place, path, str(error).removeprefix(f"{name}: "))
        return INVALID
