"""A driver is read with the datasheet beside it: its code stays short, and its words and sources may be long."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = sorted((ROOT / "drivers" / "sensor_drivers").glob("*.py"))
PAGE = ROOT / "docs" / "writing-a-driver.md"

MOST_CODE = 160

WITHOUT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def lines_of_code(text: str) -> int:
    """Lines on which something stands that is neither a comment nor a string that nobody uses (a docstring)."""
    words: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            words.update(range(node.lineno, (node.end_lineno or 0) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in WITHOUT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - words)


@pytest.mark.parametrize("file", DRIVERS, ids=lambda file: file.stem)
def test_a_driver_file_has_no_more_code_than_the_page_for_authors_says(file: Path) -> None:
    count = lines_of_code(file.read_text("utf-8"))
    assert count <= MOST_CODE, (
        f"{file.name}: {count} lines of code; pure formulas, measuring ranges or the table of a family "
        "stand in a file beside it"
    )


def test_the_page_for_authors_tells_the_same_number() -> None:
    assert f"at most {MOST_CODE} lines of code" in PAGE.read_text("utf-8")


def test_words_do_not_count_and_data_do() -> None:
    text = '''"""A chip.

Its datasheet."""

# A register (section 5).
ID = 0x61  # of the first one

TABLE = """
data
"""


def convert(frame: bytes) -> int:
    """One value."""
    return max(
        frame[0],
        ID,
    )
'''
    assert lines_of_code(text) == 1 + 3 + 1 + 4


def test_a_driver_that_is_too_long_is_noticed() -> None:
    """The longest of ours, and as many lines more as it may not have; comments are no matter."""
    longest = max((file.read_text("utf-8") for file in DRIVERS), key=lines_of_code)
    room = MOST_CODE - lines_of_code(longest)
    assert lines_of_code(longest + "# a reason\n" * MOST_CODE) == MOST_CODE - room
    assert lines_of_code(longest + "X = 1\n" * (room + 1)) > MOST_CODE
