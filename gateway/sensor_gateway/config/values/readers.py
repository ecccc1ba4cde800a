"""Readers: how a node of one shape becomes a value. Made of smaller readers; the decoder chooses them by type.

A reader never raises: it reports each fault with its place, and returns INVALID.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from sensor_gateway.config.text.faults import Place, Report
from sensor_gateway.config.text.nodes import (
    NO_ENTRIES,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    described,
    joined,
    shortened,
)
from sensor_gateway.config.text.syntax_faults import key_without_space, space_missing
from sensor_gateway.config.values.foreign_words import FOREIGN_VALUES, LATER
from sensor_gateway.config.values.kinds import Kind
from sensor_gateway.config.values.near_miss import foreign_key, listed, meant_by, near_miss, unknown_key
from sensor_gateway.config.values.notation import Mark, Within, check_identifier, check_topic

INVALID: Final = object()
"""What a reader returns after it has reported a fault."""

NONE_MEANT: Final[Mapping[str, str]] = MappingProxyType({})

Reader: TypeAlias = Callable[[Node, str, Report], object]

_SAYS_FALSE: Final = frozenset({"off", "no", "never", "none", "null", "~", "disabled"})


def as_map(node: Node, path: str, report: Report) -> MapNode | None:
    """``node`` as a mapping; nothing at all is an empty one."""
    if isinstance(node, MapNode):
        return node
    if isinstance(node, ScalarNode) and node.value is None:
        return MapNode(NO_ENTRIES, node.place)
    key = key_without_space(node.text) if isinstance(node, ScalarNode) and not node.is_quoted else None
    expected = f"expected a mapping (`key: value` lines, indented), got {described(node)}"
    report.fault(node.place, path, space_missing(key) if key else expected)
    return None


def report_unknown(table: MapNode, path: str, report: Report, known: Collection[str]) -> Mapping[str, str]:
    """A fault for each key of ``table`` that is not in ``known``.

    Returns the keys that were probably meant, each with the one that was written for it.
    """
    strangers = [key for key in table.entries if key not in known]
    if not strangers:
        return NONE_MEANT
    free = [key for key in known if key not in table.entries]
    meant = {key: _meant(key, free, known) for key in strangers}
    for key, ours in meant.items():
        report.fault(table.entries[key].place, joined(path, key), unknown_key(key, known, ours))
    return {ours: key for key, ours in meant.items() if ours}


def _meant(key: str, free: Collection[str], known: Collection[str]) -> str | None:
    if key in LATER:
        return None
    return foreign_key(key, free) or foreign_key(key, known) or meant_by(key, free) or meant_by(key, known)


def report_bad_name(place: Place, key: str, path: str, report: Report) -> None:
    """A fault for a key that cannot stand in a topic."""
    try:
        check_identifier(key)
    except ValueError as error:
        report.fault(place, path, str(error))


def report_about(message: str, table: MapNode, path: str, report: Report) -> None:
    """A fault whose sentence may begin with the name of a key of ``table``: then it is placed there."""
    word = re.match(r"[\w-]+", message)
    entry = table.entries.get(word[0]) if word else None
    if word and entry:
        report.fault(entry.node.place, joined(path, word[0]), message.removeprefix(f"{word[0]}: "))
    else:
        report.fault(table.place, path, message or "these values do not go together")


def scalar_reader(kind: Kind, marks: tuple[object, ...] = ()) -> Reader:
    """Reads a single value, within the limits and rules that ``marks`` set."""
    limits = next((mark for mark in marks if isinstance(mark, Within)), None)
    is_name = Mark.IDENTIFIER in marks
    is_topic = Mark.TOPIC in marks

    def read(node: Node, path: str, report: Report) -> object:
        if not isinstance(node, ScalarNode):
            report.fault(node.place, path, f"expected {kind.expected}, got {described(node)}")
            return INVALID
        try:
            value = kind.read(node)
            if limits is not None:
                _check_limits(cast("float", value), limits, kind)  # only numbers carry limits
            if is_name:
                check_identifier(cast("str", value))  # only text carries this mark
            if is_topic:
                check_topic(cast("str", value))  # only text carries this mark
        except ValueError as error:
            report.fault(node.place, path, str(error))
            return INVALID
        return value

    return read


def _check_limits(value: float, limits: Within, kind: Kind) -> None:
    def shown(number: float) -> object:
        return kind.scale.write(number) if kind.scale else f"{number:.12g}"

    if limits.low is not None and value < limits.low:
        high = f" and at most {shown(limits.high)}" if limits.high is not None else ""
        raise ValueError(f"{shown(value)} is too small; expected at least {shown(limits.low)}{high}")
    if limits.high is not None and value > limits.high:
        low = f" and at least {shown(limits.low)}" if limits.low is not None else ""
        raise ValueError(f"{shown(value)} is too large; expected at most {shown(limits.high)}{low}")


def choice_reader(choices: Collection[tuple[object, object]]) -> Reader:
    """Reads one of ``choices``, as written, and gives what it means. Text of digits needs no quotes."""
    by_text: dict[str, object] = {choice: meaning for choice, meaning in choices if isinstance(choice, str)}
    written = [choice for choice, _ in choices]

    def read(node: Node, path: str, report: Report) -> object:
        if isinstance(node, ScalarNode):
            for choice, meaning in choices:
                if type(choice) is type(node.value) and choice == node.value:
                    return meaning
            is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
            if is_number and not node.is_quoted and node.text in by_text:
                return by_text[node.text]
        report.fault(node.place, path, _no_choice(node, written, by_text))
        return INVALID

    return read


def _no_choice(node: Node, choices: Collection[object], by_text: Collection[str]) -> str:
    names = [str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in choices]
    if not isinstance(node, ScalarNode) or not node.text:
        return f"expected one of {listed(names)}, got {described(node)}"
    if node.is_quoted and any(node.text == str(choice) for choice in choices):
        return f"expected one of {listed(names)}, got {described(node)}; did you mean {node.text} (without quotes)?"
    begun = [choice for choice in by_text if choice.startswith(node.text.lower())]
    foreign = FOREIGN_VALUES.get(node.text.lower())
    meant = foreign if foreign in by_text else begun[0] if len(begun) == 1 else near_miss(node.text, by_text)
    if meant:
        return f"expected one of {listed(names, most=6)}, got {described(node)}; did you mean `{meant}`?"
    return f"expected one of {listed(names)}, got {described(node)}"


def optional_reader(inner: Reader) -> Reader:
    """Reads ``null`` as None, and else what ``inner`` does."""

    def read(node: Node, path: str, report: Report) -> object:
        if isinstance(node, ScalarNode) and node.value is None:
            return None
        return inner(node, path, report)

    return read


def switch_reader(inner: Reader, *, is_section: bool) -> Reader:
    """Reads ``false`` as None, ``true`` as a section's defaults, and else what ``inner`` does."""

    def read(node: Node, path: str, report: Report) -> object:
        if isinstance(node, ScalarNode):
            if node.value is False:
                return None
            if is_section and node.value is True:
                return inner(MapNode(NO_ENTRIES, node.place), path, report)
            if node.text.lower() in _SAYS_FALSE:
                message = f"expected false to turn it off, got {described(node)}; did you mean false?"
                report.fault(node.place, path, message)
                return INVALID
        return inner(node, path, report)

    return read


def first_fit(readers: tuple[Reader, ...]) -> Reader:
    """Reads with the first reader that has no objection; else reports those of the one that came furthest."""

    def read(node: Node, path: str, report: Report) -> object:
        trials = []
        for reader in readers:
            trial = Report()
            value = reader(node, path, trial)
            if value is not INVALID and not trial.faults:
                return value
            trials.append(trial)
        furthest = max(trials, key=lambda trial: max((len(fault.path) for fault in trial.faults), default=0))
        report.faults.extend(furthest.faults)
        return INVALID

    return read


def tuple_reader(readers: tuple[Reader, ...], *, is_open: bool = False) -> Reader:
    """Reads a list: one value per reader, or any number by the one reader of an open tuple."""

    def read(node: Node, path: str, report: Report) -> object:
        if not isinstance(node, ListNode):
            hint = _as_a_list(node) if is_open else ""
            report.fault(node.place, path, f"expected a list, got {described(node)}{hint}")
            return INVALID
        if not is_open and len(node.items) != len(readers):
            report.fault(node.place, path, f"expected a list of {len(readers)}, got one of {len(node.items)}")
            return INVALID
        chosen = readers * len(node.items) if is_open else readers
        values = tuple(
            reader(item, f"{path}[{index}]", report)
            for index, (item, reader) in enumerate(zip(node.items, chosen, strict=True))
        )
        return INVALID if any(value is INVALID for value in values) else values

    return read


def _as_a_list(node: Node) -> str:
    if not isinstance(node, ScalarNode) or not node.text:
        return ""
    return f"; did you mean [{shortened(', '.join(node.text.replace(',', ' ').split()))}]?"


def mapping_reader(inner: Reader, *, names_are_ids: bool = False) -> Reader:
    """Reads a mapping from any names to values that ``inner`` reads."""

    def read(node: Node, path: str, report: Report) -> object:
        table = as_map(node, path, report)
        if table is None:
            return INVALID
        values = {}
        for key, entry in table.entries.items():
            if names_are_ids:
                report_bad_name(entry.place, key, joined(path, key), report)
            values[key] = inner(entry.node, joined(path, key), report)
        return INVALID if any(value is INVALID for value in values.values()) else values

    return read
