"""Sentences for text that is no YAML, and where they belong. Pure: the text and the parser's complaint in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Spot: TypeAlias = tuple[int, int]
"""A line and a column, both from 0."""

_VARIABLE: Final = re.compile(r"(?<![\"'\w])\$\{")
_KEY: Final = re.compile(r"(?P<indent> *(?:- +)*)(?P<key>[\w.-]+)(?P<colon> *:)(?P<rest>\s.*)?")
_NO_SPACE: Final = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_][\w-]*):(?!//)[^\s:]")
_BROKEN_KEYS: Final = ("mapping values are not allowed", "did not find expected key", "expected <block end>")

_SAYINGS: Final = (
    (
        "mapping values are not allowed",
        "a colon where none can stand; expected one `key: value` per line, and text with `: ` in quotes",
    ),
    ("could not find expected ':'", "this is no `key: value`; expected a colon and a space behind the key"),
    ("did not find expected key", "this line does not fit the indentation above it; expected the next key, in line"),
    ("expected <block end>", "this line does not fit the indentation above it; expected the next key, in line"),
    (
        "found undefined tag handle",
        "a tag (a word behind `!`) cannot stand here; expected text that starts with `!` in quotes",
    ),
    ("did not find expected <document start>", "this stands outside of the mapping; expected `key: value`"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What the parser says, where it stumbled, and where what it was reading begins."""

    problem: str
    at: Spot
    since: Spot
    quoted: Sequence[tuple[Spot, Spot]] = ()
    """The texts in quotes, each from its opening quote to behind its closing one."""


def explained(text: str, complaint: Complaint) -> tuple[Spot, str]:
    """Where to look, and what to do there."""
    lines = text.splitlines()
    line, column = complaint.at
    shown = lines[line] if line < len(lines) else ""
    if "\t" in shown[: len(shown) - len(shown.lstrip())] or shown[column : column + 1] == "\t":
        return complaint.at, "a tab; expected spaces (YAML is never indented with tabs)"
    variable = _variable_in_braces(lines, line)
    if variable:
        message = f'`${{` inside braces or brackets breaks the line; expected quotes around it: "${{{variable}}}"'
        return complaint.at, message
    return _about_quotes(lines, complaint) or _about_keys(lines, complaint) or (complaint.at, _said(shown, complaint))


def key_without_space(line: str) -> str | None:
    """The key of a line like ``driver:bme280``; None for any other."""
    found = _NO_SPACE.match(line)
    return found["key"] if found else None


def space_missing(key: str) -> str:
    """What to say of a line like ``driver:bme280``."""
    return f"the space behind `{key[:60]}:` is missing; expected `{key[:60]}: ...`"


def _said(shown: str, complaint: Complaint) -> str:
    for key, saying in _SAYINGS:
        if key in complaint.problem:
            return saying
    if "cannot start any token" in complaint.problem:
        _, column = complaint.at
        return f"text cannot begin with {shown[column : column + 1]!r}; expected it in quotes"
    return _unclosed(complaint.problem) or f"this is not YAML: {complaint.problem}"


def _variable_in_braces(lines: list[str], line: int) -> str:
    for number in (line, line - 1):
        shown = lines[number] if 0 <= number < len(lines) else ""
        found = _VARIABLE.search(shown)
        if found and re.search(r"[{\[]", shown[: found.start()]):
            return re.split(r"[}\s]", shown[found.end() :])[0] or "VAR"
    return ""


def _about_quotes(lines: Sequence[str], complaint: Complaint) -> tuple[Spot, str] | None:
    if "unexpected end of stream" in complaint.problem:
        return complaint.since, "the quote that opens here is never closed; expected the closing quote"
    for start, (line, column) in complaint.quoted:
        between = lines[line][column : complaint.at[1]] if line < len(lines) else ""
        if line != complaint.at[0] or column > complaint.at[1] or between.strip():
            continue
        if start[0] < line:
            return start, f"the quote that opens here is closed in line {line + 1} only; expected its closing quote"
        message = 'text goes on behind the closing quote; expected one pair around it all (a \' within "...")'
        return complaint.at, message
    return None


def _about_keys(lines: Sequence[str], complaint: Complaint) -> tuple[Spot, str] | None:
    """Of a line that is no key, or stands too deep; None where it is something else."""
    line, column = complaint.at
    if "could not find expected ':'" in complaint.problem:
        key = key_without_space(_line(lines, complaint.since[0]))
        return complaint.since, space_missing(key) if key else _said("", complaint)
    if not any(problem in complaint.problem for problem in _BROKEN_KEYS):
        return None
    found = _KEY.fullmatch(_line(lines, line))
    above = next((number for number in range(line - 1, -1, -1) if _says_something(lines[number])), None)
    if found is None or above is None or column not in (len(found["indent"]), found.end("colon") - 1):
        return None
    key = key_without_space(lines[above])
    if key:
        return (above, lines[above].index(f"{key}:")), space_missing(key)
    return _about_depth(found, line, lines[above], above)


def _about_depth(found: re.Match[str], line: int, above: str, number: int) -> tuple[Spot, str] | None:
    first = _KEY.fullmatch(above)
    if first is None:
        is_word = re.fullmatch(r"[ -]*[\w.-]+\s*", above) is not None
        start = len(above) - len(above.lstrip(" -"))
        message = "this is no `key: value`; expected a colon and a space behind the key"
        return ((number, start), message) if is_word else None
    if (first["rest"] or "").strip() and len(found["indent"]) > len(first["indent"]):
        message = (
            f"`{found['key'][:60]}:` is indented deeper than `{first['key'][:60]}:` above it; expected them in line"
        )
        return (line, len(found["indent"])), message
    return None


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _unclosed(problem: str) -> str:
    if "',' or '}'" in problem:
        return "a `{` is not closed as expected; expected `,` or `}`"
    if "',' or ']'" in problem:
        return "a `[` is not closed as expected; expected `,` or `]`"
    return ""
