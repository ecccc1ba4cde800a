"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "gateway").rglob("*.py"), *(ROOT / "drivers").rglob("*.py")])
ROOMS = sorted(
    folder for folder in (ROOT / "gateway" / "sensor_gateway").iterdir() if (folder / "__init__.py").exists()
)

VAGUE_NAMES = {"utils", "util", "common", "base", "helpers", "misc", "manager", "handler", "processor"}

CATCHES_ALL = ROOT / "docs" / "decisions" / "0015-where-everything-is-caught.md"
BROAD_EXCEPTS = {
    "gateway/sensor_gateway/sensing/poller.py": "the top of Poller.run",
    "gateway/sensor_gateway/publishing/publisher.py": "the top of Publisher.run",
    "gateway/sensor_gateway/sensing/engine.py": "around one driver step",
    "gateway/sensor_gateway/sensing/stream_run.py": "around one driver step",
    "gateway/sensor_gateway/model/errors.py": "around the message of a stranger's error",
    "gateway/sensor_gateway/sensing/catalogue.py": "around the loading of an entry point",
    "gateway/sensor_gateway/config/drivers.py": "around what a driver says of its options",
    "gateway/sensor_gateway/sensing/circuitpython/worker.py": "around foreign code",
    "gateway/sensor_gateway/sensing/circuitpython/library.py": "around the loading of a foreign module",
    "gateway/sensor_gateway/simulation/build.py": "around the loading of an entry point",
    "gateway/sensor_gateway/publishing/receiving/receiver.py": "around one listener: a stranger's words end nothing",
    "gateway/sensor_gateway/testing/conforming/strange_errors.py": "around a driver's code, in its author's tests",
    "gateway/sensor_gateway/service/visitors/server.py": "the top of VisitorServer.run",
}


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    """And keeps it: what closes a thing and raises on as it was does not count."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert not [file for file in SOURCES if file.stem in VAGUE_NAMES]


def test_no_lock_stands_in_the_source() -> None:
    found = [file.name for file in SOURCES if re.search(r"\bR?Lock\(", file.read_text("utf-8"))]
    assert not found, "move the owner instead of locking"


def test_everything_is_caught_only_where_the_style_allows_it() -> None:
    found = {
        str(file.relative_to(ROOT))
        for file in SOURCES
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node)
    }
    assert found == set(BROAD_EXCEPTS)


def test_the_page_on_catching_names_each_place_and_no_other() -> None:
    named = set(re.findall(r"`([a-z_/0-9]+\.py)`", CATCHES_ALL.read_text("utf-8")))
    assert {f"gateway/sensor_gateway/{name}" for name in named} == set(BROAD_EXCEPTS)


@pytest.mark.parametrize(
    ("body", "counts"),
    [("pass", True), ("raise", False), ("x.close(); raise", False), ("raise ValueError", True), ("return 1", True)],
)
def test_what_raises_on_catches_nothing(body: str, *, counts: bool) -> None:
    """The control of the rule above."""
    tree = ast.parse(f"def f():\n    try: pass\n    except BaseException: {body}\n")
    (handler,) = (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
    assert _catches_everything(handler) is counts


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_holds_about_ten_files(room: Path) -> None:
    files = [file for file in room.glob("*.py") if file.name != "__init__.py"]
    assert len(files) <= 15, f"{room.name} is two rooms, or holds something that is not needed"


def test_every_module_says_what_it_is_for() -> None:
    assert not [file for file in SOURCES if not ast.get_docstring(_tree(file))]
