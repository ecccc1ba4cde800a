"""docs/limits.md names every container that the daemon keeps, and each limit and test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "limits.md"
ROOMS = (ROOT / "gateway" / "sensor_gateway", ROOT / "drivers" / "sensor_drivers")
ELSEWHERE = (
    "cli/",
    "config/",
    "testing/",
    "simulation/",
    "sensing/scan/",
    "outbox/inspection/",
    "publishing/fleet/",
    "service/configuration/",
    "service/demonstration/",
    "service/rehearsal.py",
)
"""What runs in a command, or while a configuration is read, and not in the daemon's life."""

FOR_TESTS = {"outbox/files/syncer.py:SyncerInPlace._answered"}
GROWING = {"deque", "dict", "set", "list", "defaultdict", "OrderedDict", "Counter", "SimpleQueue", "Queue", "bytearray"}


def _grows(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    if isinstance(value, ast.Constant):
        return value.value == b""
    if isinstance(value, ast.Subscript):
        return _grows(ast.Call(func=value.value, args=[], keywords=[]))
    if not isinstance(value, ast.Call):
        return False
    name = value.func.id if isinstance(value.func, ast.Name) else getattr(value.func, "attr", "")
    return name in GROWING or any(
        keyword.arg == "default_factory" and getattr(keyword.value, "id", "") in GROWING for keyword in value.keywords
    )


def _is_value(one: ast.ClassDef) -> bool:
    """A frozen value is made whole, and keeps nothing."""
    return any("frozen=True" in (text := ast.unparse(mark)) or "light_value" in text for mark in one.decorator_list)


def _attributes(one: ast.ClassDef) -> set[str]:
    found = set()
    for node in ast.walk(one):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if not _grows(value):
            continue
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
            found.add(target.attr)
        elif isinstance(target, ast.Name) and node in one.body:
            found.add(target.id)
    return found


def containers(text: str) -> set[str]:
    """``Class.attribute`` of each thing in a file that may grow."""
    classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) and not _is_value(node)]
    return {f"{one.name}.{attribute}" for one in classes for attribute in _attributes(one)}


@cache
def kept() -> frozenset[str]:
    """All of them in the daemon."""
    found = set()
    for room in ROOMS:
        for file in room.rglob("*.py"):
            name = str(file.relative_to(room))
            if not name.startswith(ELSEWHERE):
                found |= {f"{name}:{one}" for one in containers(file.read_text("utf-8"))}
    return frozenset(found - FOR_TESTS)


def places() -> set[str]:
    return set(re.findall(r"`([\w/]+\.py:\w+(?:\.\w+)?)`", PAGE.read_text("utf-8")))


def test_every_container_of_the_daemon_stands_on_the_page() -> None:
    assert kept() - places() == set()


def test_the_page_names_nothing_that_is_not_there() -> None:
    there = kept()
    for place in places() - there:
        file, _, name = place.partition(":")
        found = next((room / file for room in ROOMS if (room / file).is_file()), None)
        assert found is not None, place
        assert "." not in name, f"{place} keeps nothing that grows"
        assert re.search(rf"^class {name}\b", found.read_text("utf-8"), re.MULTILINE), place


def test_a_container_that_is_missing_on_the_page_is_found() -> None:
    """The control: what is kept in any of the usual ways is seen."""
    text = """
class Hoard:
    kinds: dict[str, int] = {}
    def __init__(self):
        self.a, self.b = 1, 2
        self.items = []
        self._by_name: dict[str, int] = {}
        self._queue = deque()
        self._bytes = b""
        self._size = 0
"""
    assert containers(text) == {"Hoard.kinds", "Hoard.items", "Hoard._by_name", "Hoard._queue", "Hoard._bytes"}


@pytest.mark.parametrize(
    "test", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", PAGE.read_text("utf-8")))), ids=lambda test: test[6:]
)
def test_each_test_on_the_page_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)


def test_each_limit_on_the_page_is_a_name_of_the_program() -> None:
    program = "\n".join(file.read_text("utf-8") for room in ROOMS for file in room.rglob("*.py"))
    for name in set(re.findall(r"`(_?[A-Z][A-Z_]+)`", PAGE.read_text("utf-8"))):
        assert re.search(rf"^{name}\b.*=", program, re.MULTILINE), name
