"""A regular expression turned round: a text that it matches, with given words for its named groups.

It writes the shortest way through: the first of alternatives, repetitions as few as allowed, optional parts only where
a wanted group is inside. Look-arounds are passed over, so that the caller checks what was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

CANDIDATES: Final = "01axA_,;:=.-%/#$C \t°" + "".join(map(chr, range(33, 127)))
"""Characters tried for a class, in this order."""

QUANTIFIER: Final = re.compile(r"([*+?]|\{(?P<least>\d*)(,\d*)?\})[?+]?")
GROUP: Final = re.compile(r"\((\?P<(?P<name>\w+)>|(?P<silent>\?[aiLmsux-]*:|\?>)|(?P<passed>\?))?")
BACK_REFERENCE: Final = re.compile(r"\(\?P=(?P<name>\w+)\)")
ANCHORS: Final = {r"\b", r"\B", r"\A", r"\Z", "^", "$"}
CLASS: Final = re.compile(r"\[\^?\]?(\\.|[^\]\\])*\]")


def written(pattern: str, words: Mapping[str, str]) -> str:
    """A text for ``pattern``, with ``words`` for its groups. ValueError for a pattern that is beyond this."""
    text, _, end = _alternatives(pattern, 0, words)
    if end != len(pattern):
        raise ValueError(f"a bracket that nobody opened at {end} of {pattern!r}")
    return text


def _alternatives(pattern: str, start: int, words: Mapping[str, str]) -> tuple[str, bool, int]:
    """Text of the first branch, or the first with a wanted group; whether it has one; where the branches end."""
    text, is_wanted, start = _sequence(pattern, start, words)
    while pattern[start : start + 1] == "|":
        other, is_other_wanted, start = _sequence(pattern, start + 1, words)
        if is_other_wanted and not is_wanted:
            text, is_wanted = other, True
    return text, is_wanted, start


def _sequence(pattern: str, start: int, words: Mapping[str, str]) -> tuple[str, bool, int]:
    text, is_wanted = "", False
    while start < len(pattern) and pattern[start] not in "|)":
        atom, is_atom_wanted, start = _atom(pattern, start, words)
        quantifier = QUANTIFIER.match(pattern, start)
        times = 1
        if quantifier is not None:
            start = quantifier.end()
            least = int(quantifier["least"] or 0) if quantifier[1].startswith("{") else int(quantifier[1] == "+")
            times = max(least, int(is_atom_wanted))
        text += atom * times
        is_wanted = is_wanted or is_atom_wanted
    return text, is_wanted, start


def _atom(pattern: str, start: int, words: Mapping[str, str]) -> tuple[str, bool, int]:
    if pattern[start] == "(":
        return _group(pattern, start, words)
    if pattern[start] == "[":
        found = CLASS.match(pattern, start)
        if found is None:
            raise ValueError(f"a class that does not end in {pattern!r}")
        return _one_of(found[0]), False, found.end()
    end = start + (2 if pattern[start] == "\\" else 1)
    piece = pattern[start:end]
    return "" if piece in ANCHORS else _one_of(piece), False, end


def _group(pattern: str, start: int, words: Mapping[str, str]) -> tuple[str, bool, int]:
    back = BACK_REFERENCE.match(pattern, start)
    if back is not None:
        return words.get(back["name"], ""), False, back.end()
    opening = GROUP.match(pattern, start)
    if opening is None:
        raise ValueError(f"no group at {start} of {pattern!r}")
    inside = opening.end() + (2 if opening["passed"] and pattern[opening.end() : opening.end() + 1] == "<" else 0)
    inside += 1 if opening["passed"] and inside == opening.end() else 0
    text, is_wanted, end = _alternatives(pattern, inside, words)
    if pattern[end : end + 1] != ")":
        raise ValueError(f"a group that does not end in {pattern!r}")
    if opening["passed"]:
        return "", False, end + 1
    word = words.get(opening["name"] or "")
    return (text, is_wanted, end + 1) if word is None else (word, True, end + 1)


def _one_of(piece: str) -> str:
    """A character that a class, an escape or a plain character of a pattern stands for."""
    if len(piece) == 1 and piece != ".":
        return piece
    alone = re.compile(piece)
    plain = piece[1:] if piece.startswith("\\") else ""
    for candidate in plain + CANDIDATES:
        if alone.fullmatch(candidate):
            return candidate
    raise ValueError(f"no character for {piece!r}")
