from __future__ import annotations

import re

import pytest

from sensor_gateway.simulation.chips.pattern import written

WORDS = {"a": "12.5", "b": "-3"}

PATTERNS = [
    r"(?P<a>[\d.]+)",
    r"^T=(?P<a>.*?);H=(?P<b>\S+)$",
    r"\s*(?P<a>[^,]+),\s*\d{3},[A-F]x{2,4}(?P<b>-?\d+)",
    r"(?i:temp|t)\W+(?P<a>\S+)(?:\s+H (?P<b>\S+))?",
    r"(x|y(?P<a>[0-9.]+))\|\)\(\[(?P<b>[-0-9]+)\]",
    r"(?P<a>\d+\.\d)(?=%)?%(?P<b>[-\d]+)(?P=b)",
    r"[]x-]*[^]]\t\.(?P<a>[\d.]+)°(?P<b>-\d)",
    r"(?<!\d)(?P<a>[\d.]+) (?#remark)(?P<b>-\d)\b",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_pattern_finds_the_words_in_the_text(pattern: str) -> None:
    found = re.search(pattern, written(pattern, WORDS))
    assert found is not None
    assert found.groupdict() == {name: WORDS[name] for name in found.groupdict()}


@pytest.mark.parametrize("pattern", ["a)", "(a", "[a"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="a"):
        written(pattern, {})
