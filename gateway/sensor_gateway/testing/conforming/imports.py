"""What a driver's file imports: the page of the contract, and nothing that waits, locks, writes or asks the system."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Final

from sensor_gateway.model.driver_spec import DriverSpec

OPEN: Final = ("sensor_gateway.driver", "sensor_gateway.testing")
"""The first for drivers; the second for tests, which may stand in one file with a driver."""

INSTEAD: Final = {
    "asyncio": "yield operations: the gateway runs several drivers at once",
    "logging": "raise an error with a sentence: the gateway logs it",
    "os": "yield ReadFile, or take an option",
    "serial": "yield Exchange, or have feed: the gateway owns the port",
    "smbus": "yield Write, Read, WriteRead: the gateway owns the bus",
    "smbus2": "yield Write, Read, WriteRead: the gateway owns the bus",
    "socket": "a driver speaks to its bus only",
    "subprocess": "a driver speaks to its bus only",
    "threading": "each bus has one thread: a driver needs no lock",
    "time": "yield Wait(seconds): the bus serves others meanwhile",
}


def check_imports(spec: DriverSpec) -> None:
    """Check the file in which ``create`` stands; AssertionError names the import, and what to do instead."""
    module = sys.modules.get(getattr(spec.create, "__module__", None) or "")
    if module is None or module.__name__.startswith("sensor_gateway."):
        return  # what belongs to the gateway itself may know it
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return  # without a source nothing can be read
    for name in _imported(ast.parse(source)):
        where = f"{spec.name}: {module.__name__} imports {name}"
        top = name.partition(".")[0]
        is_open = any(name == door or name.startswith(f"{door}.") for door in OPEN)
        assert top != "sensor_gateway" or is_open, (
            f"{where}, which may change or go at any time: import from sensor_gateway.driver"
        )
        assert top not in INSTEAD, f"{where}: {INSTEAD[top]}"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # Of a package, what is imported may be a module of it: from sensor_gateway import driver.
            is_package = node.module == "sensor_gateway"
            yield from (f"{node.module}.{alias.name}" if is_package else node.module for alias in node.names)
