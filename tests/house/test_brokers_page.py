"""docs/brokers.md shows what the tests of brokers expect.

``PYTHONPATH=tests/proofs python tests/house/test_brokers_page.py`` writes it anew.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from proving.brokers.advised import advised_lines
from proving.brokers.kinds import KINDS
from proving.brokers.table import TABLE, markdown

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "brokers.md"
SHIPPED = ROOT / "config" / "mosquitto" / "mosquitto.conf"
TESTS = ROOT / "tests" / "system" / "publishing" / "test_brokers.py"
BEGIN, END = "<!-- brokers: made by tests/house/test_brokers_page.py -->\n", "<!-- end of brokers -->\n"


def with_table(page: str) -> str:
    """The page with today's table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


def test_the_page_shows_what_the_tests_expect() -> None:
    text = PAGE.read_text("utf-8")
    assert text == with_table(text), "PYTHONPATH=tests/proofs python tests/house/test_brokers_page.py writes it anew"


def test_each_test_answers_one_question_with_each_broker() -> None:
    tree = ast.parse(TESTS.read_text("utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    tests = {name for name in names if name.startswith("test_") and not name.startswith("test_control_")}
    assert {row.test for row in TABLE} == tests
    assert len(TABLE) == len(tests)
    assert all(set(row.answers) == set(KINDS) for row in TABLE)


def settings(lines: list[str]) -> dict[str, str]:
    """What mosquitto is told, word by word."""
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


def test_the_configuration_that_ships_says_what_the_page_advises() -> None:
    advised = settings(advised_lines())
    assert {"persistence", "autosave_on_changes", "autosave_interval", "max_queued_messages"} <= set(advised)
    shipped = settings(SHIPPED.read_text("utf-8").splitlines())
    assert {name: shipped.get(name) for name in advised} == advised


def test_no_other_page_gives_numbers_of_its_own() -> None:
    """What mosquitto needs stands in one place; the others point to it."""
    others = [ROOT / "README.md", *(page for page in (ROOT / "docs").glob("*.md") if page != PAGE)]
    telling = [page.name for page in others if re.search("max_queued_|autosave_", page.read_text("utf-8"))]
    assert telling == []


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
