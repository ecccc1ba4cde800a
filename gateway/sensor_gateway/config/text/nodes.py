"""The parts of a parsed file, each with its place. Knows nothing of the library that parsed it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from sensor_gateway.config.text.faults import Place

_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INT: Final = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_STARTS: Final = frozenset("0123456789+-.~")

Plain: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value: what it means, and how it is written.

    ``is_substituted`` says that (part of) it came from the environment.
    """

    value: Plain
    text: str
    is_quoted: bool
    place: Place
    is_substituted: bool = False


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list of nodes."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place, and the node behind it."""

    place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """Named nodes, in the order written."""

    entries: Mapping[str, Entry]
    place: Place


Node: TypeAlias = ScalarNode | ListNode | MapNode

NO_ENTRIES: Final[Mapping[str, Entry]] = MappingProxyType({})


def read_plain(text: str) -> Plain:
    """What an unquoted scalar means by the core schema of YAML 1.2: ``no`` is text, ``010`` is ten."""
    if text in _NULL:
        return None
    if text[0] not in _STARTS:
        return True if text in _TRUE else False if text in _FALSE else text
    if _INT.fullmatch(text):
        base = {"0x": 16, "0o": 8}.get(text[:2], 10)
        return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def described(node: Node) -> str:
    """What came, for a sentence: ``the text 'yes'``, ``the number 5``, ``a list``."""
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    if isinstance(node.value, str):
        return f"the text {shortened(node.value)!r}"
    return f"the number {shortened(node.text)}"


def joined(path: str, key: str) -> str:
    """The path of ``key`` below ``path``."""
    return f"{path}.{key}" if path else key


def shortened(text: str, most: int = 60) -> str:
    """``text``, cut where it is too long to be shown."""
    return text if len(text) <= most else f"{text[:most]}..."


def plain(node: Node) -> object:
    """The node as dictionaries, lists and values, without places."""
    if isinstance(node, MapNode):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return node.value
