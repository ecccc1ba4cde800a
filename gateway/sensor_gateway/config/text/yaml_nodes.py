"""The one door to PyYAML: text in, nodes with places out.

Made from parser events, not from PyYAML's own nodes: so depth and aliases are bounded before anything is built,
scalars follow YAML 1.2, and the C parser serves where it is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

import yaml

from sensor_gateway.config.text.faults import Place, Report
from sensor_gateway.config.text.nodes import Entry, ListNode, MapNode, Node, ScalarNode, read_plain, shortened
from sensor_gateway.config.text.syntax_faults import Complaint, Spot, explained

MAX_ALIASED: Final = 1_000
"""How many nodes aliases may stand for in one file."""

MAX_DEPTH: Final = 40
"""How deep lists and mappings may be nested."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING: Final = "tag:yaml.org,2002:str"
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Unreadable(Exception):
    """Parsing cannot go on; the fault is in the report."""


def parse(text: str, file: Path, report: Report, *, is_pure: bool = False) -> Node | None:
    """The nodes of ``text``; faults go to the report, and None comes back if it cannot be read at all.

    An empty text is an empty scalar. ``is_pure`` leaves the C parser aside.
    """
    stray = _UNPRINTABLE.search(text)
    if stray:
        report.fault(_place_at(text, stray.start(), file), "", f"the character U+{ord(stray[0]):04X} is not allowed")
        return None
    try:
        loader = yaml.SafeLoader if is_pure else _LOADER
        return _Composer(yaml.parse(text, Loader=loader), text, file, report).document()
    except _Unreadable:
        return None


def _place_at(text: str, offset: int, file: Path) -> Place:
    before = text[:offset]
    return Place(file, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _complaint(error: yaml.MarkedYAMLError, text: str) -> Complaint:
    at = error.problem_mark or error.context_mark
    since = error.context_mark or at
    return Complaint(
        problem=error.problem or "it cannot be parsed",
        at=(at.line, at.column) if at else (0, 0),
        since=(since.line, since.column) if since else (0, 0),
        quoted=_quoted(text),
    )


def _quoted(text: str) -> list[tuple[Spot, Spot]]:
    """The texts in quotes, as far as ``text`` can be read."""
    quoted = []
    try:
        for token in yaml.scan(text, Loader=_LOADER):
            if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
                start, end = token.start_mark, token.end_mark
                quoted.append(((start.line, start.column), (end.line, end.column)))
    except yaml.YAMLError:
        pass
    return quoted


class _Composer:
    """Builds the nodes of one file."""

    def __init__(self, events: Iterator[yaml.Event], text: str, file: Path, report: Report) -> None:
        self._text = text
        self._file = file
        self._report = report
        self._events = events
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._size = 0
        self._aliased = 0

    def document(self) -> Node:
        root: Node = ScalarNode(None, "", False, Place(self._file, 1, 1))  # noqa: FBT003 - a value, by position
        documents = 0
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                self._fail(event, "a second document begins here; expected one per file (put it into conf.d/)")
            root = self._node(self._next(), 0, "")
        return root

    def _next(self) -> yaml.Event:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            (line, column), message = explained(self._text, _complaint(error, self._text))
            self._report.fault(Place(self._file, line + 1, column + 1), "", message)
            raise _Unreadable from None
        except yaml.YAMLError as error:
            self._report.fault(Place(self._file, 1, 1), "", f"this is not YAML: {error}")
            raise _Unreadable from None
        except StopIteration:
            return yaml.StreamEndEvent()

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 1, 1)

    def _fail(self, event: yaml.Event, message: str) -> NoReturn:
        self._report.fault(self._place(event), "", message)
        raise _Unreadable

    def _node(self, event: yaml.Event, depth: int, path: str) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            self._fail(event, f"nested deeper than {MAX_DEPTH} levels")
        self._size += 1
        before = self._size
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event)
            node = self._list(event, depth, path)
        elif isinstance(event, yaml.MappingStartEvent):
            self._refuse_tag(event)
            node = self._map(event, depth, path)
        else:
            self._fail(event, "expected a value here")
        if event.anchor:
            self._anchors[event.anchor] = (node, self._size - before + 1)
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        anchor = event.anchor or ""
        if anchor not in self._anchors:
            shown = shortened(anchor)
            self._fail(event, f"*{shown} names nothing; expected an anchor &{shown} that ends above")
        node, size = self._anchors[anchor]
        self._aliased += size
        self._size += size
        if self._aliased > MAX_ALIASED:
            self._fail(event, f"aliases (*{shortened(anchor)}) stand for more than {MAX_ALIASED:,} values in this file")
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        self._refuse_tag(event)
        text: str = event.value
        is_quoted = bool(event.style) or event.tag == _STRING
        return ScalarNode(text if is_quoted else read_plain(text), text, is_quoted, self._place(event))

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        tag: str | None = event.tag
        if tag in (None, "!", _STRING):
            return
        shown = f"!!{tag.rpartition(':')[2]}" if tag.startswith("tag:yaml.org") else tag
        hint = {
            "!secret": "; a password stands in a file of its own: password_file: NAME",
            "!include": "; every file in conf.d/ beside this one is read without being named",
            "!env_var": "; an environment variable is written ${NAME}",
        }.get(shown, "; remove it")
        self._report.last_fault(self._place(event), "", f"the tag {shortened(shown)} is not known{hint}")

    def _list(self, event: yaml.Event, depth: int, path: str) -> ListNode:
        items: list[Node] = []
        while not isinstance(inner := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(inner, depth + 1, f"{path}[{len(items)}]"))
        return ListNode(tuple(items), self._place(event))

    def _map(self, event: yaml.Event, depth: int, path: str) -> MapNode:
        entries: dict[str, Entry] = {}
        while not isinstance(inner := self._next(), yaml.MappingEndEvent):
            key = self._node(inner, depth + 1, path)
            place = self._place(inner)
            name = key.text if isinstance(key, ScalarNode) else ""
            here = f"{path}.{name}" if path else name
            node = self._node(self._next(), depth + 1, here)
            if self._is_fit(key, place, here, entries):
                entries[name] = Entry(place, node)
        return MapNode(entries, self._place(event))

    def _is_fit(self, key: Node, place: Place, path: str, entries: dict[str, Entry]) -> bool:
        if not isinstance(key, ScalarNode):
            self._report.fault(place, path, "a list or mapping cannot be a key; expected a name")
            return False
        if key.text == "<<" and not key.is_quoted:
            self._report.fault(
                place,
                path,
                "merge keys (<<) are not read; for parts of the configuration use files in conf.d/, for sensors that "
                "are alike `defaults:` or `device:`",
            )
            return False
        if key.text in entries:
            first = entries[key.text].place
            message = f"the key {shortened(key.text)!r} is written twice; first at {first}{_if_indented(entries)}"
            self._report.fault(place, path, message)
            return False
        return True


def _if_indented(entries: Mapping[str, Entry]) -> str:
    """What may be wrong instead, where the key above has nothing below it."""
    above = list(entries)[-1]
    node = entries[above].node
    is_empty = isinstance(node, ScalarNode) and node.value is None
    return f" (what belongs to `{shortened(above)}` stands below it, indented)" if is_empty else ""
