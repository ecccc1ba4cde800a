"""The walk in docs/architecture.md, and what other pages point to, leads through files and functions that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "gateway" / "sensor_gateway"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

PAGES = "".join(
    page.read_text("utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.name != "limits.md"  # it names attributes, which a test of its own finds
)

FILES = sorted(set(re.findall(r"`([a-z_]+/[a-z0-9_/]+\.py)", PAGES)))
STEPS = sorted(set(re.findall(r"`([a-z_]+/[a-z0-9_/]+\.py):\s*([A-Za-z_]+)(?:\.([a-z_]+))?`", PAGES)))


def test_the_walk_names_files() -> None:
    assert len(FILES) > 20
    assert len(STEPS) > 15


@pytest.mark.parametrize("file", FILES)
def test_each_file_of_the_walk_is_there(file: str) -> None:
    assert any((place / file).exists() for place in (HOUSE, HOUSE.parent, ROOT))


@pytest.mark.parametrize(("file", "name", "method"), STEPS)
def test_each_step_of_the_walk_is_a_function_there(file: str, name: str, method: str) -> None:
    tree = ast.parse((HOUSE / file).read_text("utf-8"))
    found = next((node for node in tree.body if name in _names(node)), None)
    assert found is not None
    if method:
        assert isinstance(found, ast.ClassDef)
        assert method in {getattr(node, "name", None) for node in found.body}


def _names(node: ast.stmt) -> set[str | None]:
    """What a statement defines."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return {getattr(node, "name", None)}
