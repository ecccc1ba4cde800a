"""Configuration files as nodes: one file, or several as one. What cannot be read is a fault, never an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Final

from sensor_gateway.config.text.environment import resolve
from sensor_gateway.config.text.faults import Place, Report
from sensor_gateway.config.text.nodes import Entry, MapNode, Node, ScalarNode, described, joined, shortened
from sensor_gateway.config.text.yaml_nodes import parse

MAX_SIZE: Final = 4_000_000
"""Bytes that a configuration file may have."""


def beside(path: Path) -> list[Path]:
    """The parts of the configuration in ``path``: ``conf.d/*.yaml`` beside it, by name."""
    try:
        return sorted(part for part in (path.parent / "conf.d").glob("*.yaml") if not part.name.startswith("."))
    except OSError:
        return []


def read_files(files: Sequence[Path], environ: Mapping[str, str], report: Report) -> Node | None:
    """All ``files`` as one, mappings joined key by key; None where one of them cannot be read.

    The same key in two of them is a fault that names both places.
    """
    roots = [_read_file(file, environ, report) for file in files]
    readable = [root for root in roots if root is not None]
    if not readable or len(readable) < len(roots):
        return None
    return reduce(lambda first, second: _merged(first, second, "", report), readable)


def _read_file(file: Path, environ: Mapping[str, str], report: Report) -> Node | None:
    text = read_text(file, report)
    return None if text is None else read_nodes(text, file, environ, report)


def read_nodes(text: str, file: Path, environ: Mapping[str, str], report: Report) -> Node | None:
    """The nodes of ``text``, which stands in ``file``, with values from the environment in place of ``${NAME}``."""
    root = parse(text, file, report)
    return resolve(root, environ, report) if root is not None and "${" in text else root


def read_text(file: Path, report: Report) -> str | None:
    """The text of ``file``, or None beside a fault."""
    text = _text(file, report) if report.given is None else report.given.get(file)
    if text is not None:
        report.texts[file] = text
    elif report.given is not None:
        report.fault(Place(file, 1, 1), "", "there is no copy of this file")
    return text


def _text(file: Path, report: Report) -> str | None:
    place = Place(file, 1, 1)
    try:
        with file.open("rb") as source:
            content = source.read(MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        report.fault(place, "", f"the file cannot be read: {reason}")
        return None
    if len(content) > MAX_SIZE:
        report.fault(place, "", f"the file is too large; expected at most {MAX_SIZE // 1_000_000}MB")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        report.fault(Place(file, line, column), "", "this is not UTF-8; expected the file to be saved as UTF-8")
        return None


def _merged(first: Node, second: Node, path: str, report: Report) -> Node:
    if isinstance(first, MapNode) and isinstance(second, MapNode):
        entries = dict(first.entries)
        for key, entry in second.entries.items():
            if key in entries:
                here = joined(path, key)
                entries[key] = Entry(entries[key].place, _merged(entries[key].node, entry.node, here, report))
            else:
                entries[key] = entry
        return MapNode(entries, first.place)
    if _is_nothing(second):
        return first
    if _is_nothing(first):
        return second
    if path:
        key = shortened(path.rpartition(".")[2])
        message = f"the key {key!r} is written in two files; first at {first.place}"
    else:
        message = f"expected a mapping with `mqtt:`, `sensors:` and so on, got {described(second)}"
    report.fault(second.place, path, message)
    return first


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None
