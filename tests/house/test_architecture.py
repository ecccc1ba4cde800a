"""The walk in docs/architecture.md leads through files and functions that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "gateway" / "sensor_gateway"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

FILES = sorted(set(re.findall(r"`([a-z_]+/[a-z0-9_/]+\.py)", PAGE)))
STEPS = sorted(set(re.findall(r"`([a-z_]+/[a-z0-9_/]+\.py): ([A-Za-z]+)(?:\.([a-z_]+))?`", PAGE)))


def test_the_walk_names_files() -> None:
    assert len(FILES) > 20
    assert len(STEPS) > 15


@pytest.mark.parametrize("file", FILES)
def test_each_file_of_the_walk_is_there(file: str) -> None:
    assert (HOUSE / file).exists() or (ROOT / file).exists()


@pytest.mark.parametrize(("file", "name", "method"), STEPS)
def test_each_step_of_the_walk_is_a_function_there(file: str, name: str, method: str) -> None:
    tree = ast.parse((HOUSE / file).read_text("utf-8"))
    found = next((node for node in tree.body if getattr(node, "name", None) == name), None)
    assert found is not None
    if method:
        assert isinstance(found, ast.ClassDef)
        assert method in {getattr(node, "name", None) for node in found.body}
