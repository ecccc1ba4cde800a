"""Whether the class that a configuration names can be used: installed, importable, and with the properties named."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from sensor_gateway.model.errors import message_of
from sensor_gateway.sensing.circuitpython.importing import import_foreign
from sensor_gateway.sensing.circuitpython.options import Options

ADDRESS_NAMES: Final = ("address", "addr", "i2c_address", "i2c_addr", "device_address")
"""What classes call the parameter that takes the I2C address."""

_CERTAIN: Final = re.compile(r"adafruit_([a-z0-9]+)")
_ODD: Final = {"adafruit_bus_device": "adafruit-circuitpython-busdevice", "typing_extensions": "typing_extensions"}


class ClassMissing(Exception):
    """There is no such class. The message begins with the key at fault."""


def class_of(path: str) -> type:
    """The class behind its module, imported. ClassMissing says what to install or to write; Ctrl-C passes."""
    module_name, _, name = path.rpartition(".")
    try:
        module = import_foreign(module_name)
    except ModuleNotFoundError as error:
        raise ClassMissing(f"class: {_missing(module_name, error.name or module_name)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ClassMissing(
            f"class: {module_name} cannot be imported: {type(error).__name__}: {message_of(error)}"
        ) from error
    found: object = getattr(module, name, None)
    if not isinstance(found, type):
        there = [
            other
            for other, each in vars(module).items()
            if isinstance(each, type) and each.__module__ == module.__name__ and not other.startswith("_")
        ]
        raise ClassMissing(f"class: {module_name} has no class {name}{_nearest(name, there)}")
    return found


def objections(options: Options) -> Iterator[str]:
    """A sentence for each thing that the class does not have, beginning with the key at fault."""
    try:
        found = class_of(options.class_)
    except ClassMissing as error:
        yield str(error)
        return
    complaint = _refused_arguments(found, options)
    if complaint:
        yield f"arguments: {found.__name__} cannot be made so: {complaint}"
    if hasattr(found, "__getattr__"):
        return  # it may have any attribute
    public = [name for name in dir(found) if not name.startswith("_")]
    for channel, source in options.sources.items():
        if source not in public:
            yield f"properties.{channel}: {found.__name__} has no property {source}{_nearest(source, public)}"
    for key, names in (("calls", options.calls), ("ready", (options.ready,) if options.ready else ())):
        for name in names:
            if name not in public:
                yield f"{key}: {found.__name__} has no {name}{_nearest(name, public)}"


def with_address(found: type, address: int) -> dict[str, int]:
    """The address as the argument that the class takes; nothing where it takes none, because its chip has but one."""
    try:
        parameters = inspect.signature(found).parameters
    except (TypeError, ValueError):
        return {}
    return {name: address for name in ADDRESS_NAMES if name in parameters}


def _refused_arguments(found: type, options: Options) -> str:
    try:
        inspect.signature(found).bind(None, **{**with_address(found, 0), **options.arguments})
    except TypeError as error:
        return str(error)
    except ValueError:
        return ""  # a class without a signature
    return ""


def _missing(wanted: str, missing: str) -> str:
    package = _package_of(missing.partition(".")[0])
    where = f"`pip install {package}`" if package else "look for its package at https://circuitpython.org/libraries"
    if wanted == missing or wanted.startswith(f"{missing}."):
        return f"{missing} is not installed: {where}"
    if missing.startswith(f"{wanted.partition('.')[0]}."):
        return f"there is no module {missing}"
    return f"{wanted} needs {missing}, which is not installed: {where}"


def _package_of(module: str) -> str:
    """What pip installs it by; empty where that cannot be told from the name."""
    plain = _CERTAIN.fullmatch(module)
    return _ODD.get(module, f"adafruit-circuitpython-{plain[1]}" if plain else "")


def _nearest(name: str, there: list[str]) -> str:
    near = get_close_matches(name, there, n=1, cutoff=0.5)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; it has {', '.join(sorted(there)[:12])}" if there else ""
