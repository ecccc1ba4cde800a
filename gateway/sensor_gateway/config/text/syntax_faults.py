"""Sentences for text that is no YAML. Pure: the text and the parser's complaint in, what to do out."""

from __future__ import annotations

import re
from typing import Final

_VARIABLE: Final = re.compile(r"(?<![\"'\w])\$\{")

_SAYINGS: Final = (
    (
        "mapping values are not allowed",
        "a colon where none can stand; expected one `key: value` per line, and text with `: ` in quotes",
    ),
    ("could not find expected ':'", "this is no `key: value`; expected a colon and a space behind the key"),
    ("did not find expected key", "this line does not fit the indentation above it; expected the next key, in line"),
    (
        "found undefined tag handle",
        "a tag (a word behind `!`) cannot stand here; expected text that starts with `!` in quotes",
    ),
    ("did not find expected <document start>", "this stands outside of the mapping; expected `key: value`"),
)


def sentence(text: str, line: int, column: int, problem: str) -> str:
    """What to tell of ``problem`` at ``line`` and ``column`` (both from 0)."""
    lines = text.splitlines()
    shown = lines[line] if line < len(lines) else ""
    if "\t" in shown[: len(shown) - len(shown.lstrip())] or shown[column : column + 1] == "\t":
        return "a tab; expected spaces (YAML is never indented with tabs)"
    variable_line = _variable_in_braces(lines, line)
    if variable_line:
        return f'`${{` inside braces or brackets breaks the line; expected quotes around it: "${{{variable_line}}}"'
    for key, saying in _SAYINGS:
        if key in problem:
            return saying
    if "cannot start any token" in problem:
        return f"text cannot begin with {shown[column : column + 1]!r}; expected it in quotes"
    opened = _unclosed(problem)
    return opened or f"this is not YAML: {problem}"


def _variable_in_braces(lines: list[str], line: int) -> str:
    for number in (line, line - 1):
        shown = lines[number] if 0 <= number < len(lines) else ""
        found = _VARIABLE.search(shown)
        if found and re.search(r"[{\[]", shown[: found.start()]):
            return re.split(r"[}\s]", shown[found.end() :])[0] or "VAR"
    return ""


def _unclosed(problem: str) -> str:
    if "',' or '}'" in problem:
        return "a `{` is not closed as expected; expected `,` or `}`"
    if "',' or ']'" in problem:
        return "a `[` is not closed as expected; expected `,` or `]`"
    if "unexpected end of stream" in problem:
        return "the file ends inside quotes; expected the closing quote"
    return ""
