"""The house keeps its rooms small: what is above the guidance needs a reason that stands here."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "gateway").rglob("*.py"), *(ROOT / "drivers").rglob("*.py")])

FILE_LINES = 300
FUNCTION_LINES = 40
CLASS_METHODS = 12

REASONS: dict[str, str] = {
    "gateway/sensor_gateway/outbox/files/disk.py:Disk": "one method for each call of the system: a call "
    "without one is a call that no test can make fail",
    "gateway/sensor_gateway/service/assembly.py:assemble": "the one place where all rooms meet: a statement or two for "
    "each part, in the order in which they are made",
}
"""``file`` or ``file:name`` to why it may be larger."""


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _lines(node: ast.AST) -> int:
    return (node.end_lineno or 0) - node.lineno + 1  # type: ignore[attr-defined]


def _is_method(node: ast.AST) -> bool:
    """Whether a class's member does something: a property is a value, and a dunder method is Python's."""
    if not isinstance(node, ast.FunctionDef) or node.name.startswith("__"):
        return False
    return not any(isinstance(decorator, ast.Name) and decorator.id == "property" for decorator in node.decorator_list)


@cache
def _too_large(file: Path) -> dict[str, str]:
    text = file.read_text("utf-8")
    found = {}
    count = len(text.splitlines())
    if count > FILE_LINES:
        found[_name(file)] = f"{count} lines, guidance {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and _lines(node) > FUNCTION_LINES:
            found[f"{_name(file)}:{node.name}"] = f"{_lines(node)} lines, guidance {FUNCTION_LINES}"
        if isinstance(node, ast.ClassDef):
            methods = sum(_is_method(child) for child in node.body)
            if methods > CLASS_METHODS:
                found[f"{_name(file)}:{node.name}"] = f"{methods} methods, guidance {CLASS_METHODS}"
    return found


def test_files_functions_and_classes_stay_small_or_say_why() -> None:
    found: dict[str, str] = {}
    for file in SOURCES:
        found |= _too_large(file)
    unexplained = {name: size for name, size in found.items() if name not in REASONS}
    assert not unexplained, "\n".join(f"{name}: {size}" for name, size in unexplained.items())


def test_no_reason_outlives_what_it_explains() -> None:
    found: dict[str, str] = {}
    for file in SOURCES:
        found |= _too_large(file)
    assert not set(REASONS) - set(found)


def test_the_size_check_can_fail(tmp_path: Path) -> None:
    file = ROOT / "gateway" / "sensor_gateway" / "nowhere.py"
    body = "\n".join(f"    x{n} = {n}" for n in range(FUNCTION_LINES + 1))
    tree = ast.parse(f"def long() -> None:\n{body}\n")
    assert _lines(tree.body[0]) > FUNCTION_LINES
    assert not file.exists()
