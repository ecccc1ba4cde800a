"""Imports modules that were written for CircuitPython, such that they find what they need and nobody else notices.

A module that was asked for by a configuration, and any whose name begins with ``adafruit_``, gets an ``import`` of its
own: ``time`` is the worker's, and the modules of CircuitPython's firmware are stand-ins. These never stand in
``sys.modules``; so a Blinka that is installed is neither used nor hidden, and other modules have the real ``time``.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Final

from sensor_gateway.sensing.circuitpython.look_alikes import ForeignI2c, foreign_time

PREFIX: Final = "adafruit_"
BLINKA: Final = ("adafruit_blinka", "adafruit_platformdetect", "adafruit_pureio")
"""Beginning so, and no drivers: who uses Blinka in this process is to have it as it is."""

FIRMWARE: Final = (
    "analogio",
    "bitbangio",
    "board",
    "busio",
    "circuitpython_typing",
    "countio",
    "digitalio",
    "microcontroller",
    "micropython",
    "pulseio",
    "pwmio",
    "rainbowio",
    "supervisor",
    "ulab",
)
"""Modules of CircuitPython itself, of which foreign modules want names for annotations."""


class Unneeded:
    """Stands for anything that a module names and a chip on I2C does not need."""

    def __class_getitem__(cls, _: object) -> type[Unneeded]:
        """Annotations subscribe it."""
        return cls


class _StandIn(ModuleType):
    """A module that has any name."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return Unneeded


class _Loader(SourceFileLoader):
    """Gives a module an ``import`` of its own before it runs."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds foreign modules where they are installed. ``wanted`` are those that a configuration asked for."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = fullname.partition(".")[0]
        if package in BLINKA or (not package.startswith(PREFIX) and package not in self.wanted):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def import_foreign(name: str) -> ModuleType:
    """The module of that name. Raises whatever it raises when it is imported."""
    finder = next((found for found in sys.meta_path if isinstance(found, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.wanted.add(name.partition(".")[0])
    return importlib.import_module(name)


def _firmware() -> dict[str, ModuleType]:
    modules: dict[str, ModuleType] = {name: _StandIn(name) for name in FIRMWARE}
    vars(modules["busio"])["I2C"] = ForeignI2c
    vars(modules["micropython"])["const"] = _const
    return {**modules, "time": foreign_time()}


def _const(value: object) -> object:
    return value


_REPLACED: Final = _firmware()


def _import(name: str, *others: object) -> ModuleType:
    """The ``__import__`` of foreign modules: ``others`` are globals, locals, the names wanted, and the level."""
    level = others[3] if len(others) > 3 else 0
    replaced = _REPLACED.get(name.partition(".")[0]) if level == 0 else None
    found: ModuleType = vars(builtins)["__import__"](name, *others) if replaced is None else replaced
    return found
