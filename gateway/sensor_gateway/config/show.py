"""A configuration as the text of a file, with every default visible and secrets hidden.

Loading that text gives the same configuration, but for the secrets.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Deadband
from sensor_gateway.config.settings import Configuration, SensorSection
from sensor_gateway.config.text.environment import escaped
from sensor_gateway.config.text.nodes import read_plain
from sensor_gateway.config.values.deadbands import write_deadband
from sensor_gateway.config.values.decoder import fields_of, unwrap
from sensor_gateway.config.values.filter_steps import write_filter
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.notation import Mark, attribute_of

_PLAIN_TEXT: Final = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/. +°%:()-]*")
_INDENT: Final = "  "
_WRITERS: Final[Mapping[object, Callable[[Any], object]]] = MappingProxyType(
    {**{bare: kind.write for bare, kind in KINDS.items()}, Deadband: write_deadband, FilterSpec: write_filter}
)


class _Address(int):
    """A number that is shown in hexadecimal."""


def show(configuration: Configuration) -> str:
    """The whole configuration as YAML."""
    written = _section(configuration)
    written["sensors"] = {name: written_sensor(sensor) for name, sensor in configuration.sensors.items()}
    if configuration.mqtt is None:
        del written["mqtt"]
    return "".join(f"{line}\n" for line in _lines(written, ""))


def written_sensor(sensor: SensorSection) -> dict[str, object]:
    """One sensor as dictionaries, lists and values, every key and option as it would be written."""
    written = _section(sensor)
    if sensor.address:
        written["address"] = _Address(sensor.address)
    for key, none in (("device", ""), ("address", 0), ("unit", -1)):
        if written[key] == none:
            del written[key]
    return {**written, **_section(sensor.options)}


def _section(section: object) -> dict[str, object]:
    kind: type = type(section)
    fields = fields_of(kind)
    return {
        name: _written(getattr(section, attribute_of(name)), field.type, field.marks) for name, field in fields.items()
    }


def _written(value: object, hint: object, marks: tuple[object, ...] = ()) -> object:
    """``value`` of a type as dictionaries, lists and values, as it would be written."""
    bare, more = unwrap(hint)
    if value is None:
        return False if Mark.FALSE_IS_NONE in (*marks, *more) else None
    writer = _WRITERS.get(bare)
    if writer is not None:
        return writer(value)
    if dataclasses.is_dataclass(bare):
        return _section(value)
    if isinstance(value, Enum):
        return value.value
    return _composite(value, bare)


def _composite(value: object, bare: object) -> object:
    origin, parts = get_origin(bare), get_args(bare)
    if origin in (Union, UnionType):
        fitting = next((part for part in parts if _fits(value, part)), None)
        return value if fitting is None else _written(value, fitting)
    if isinstance(value, Mapping):
        return {key: _written(item, parts[1]) for key, item in value.items()}
    if isinstance(value, tuple):
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return [_written(item, kind) for item, kind in zip(value, kinds, strict=True)]
    supertype = getattr(bare, "__supertype__", None)
    return value if supertype is None else _written(value, supertype)


def _fits(value: object, hint: object) -> bool:
    bare, _ = unwrap(hint)
    while hasattr(bare, "__supertype__"):
        bare = bare.__supertype__
    if get_origin(bare) is Literal:
        return value in get_args(bare)
    kind = get_origin(bare) or bare
    return isinstance(kind, type) and isinstance(value, kind)


def _lines(node: object, indent: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _entry(f"{indent}{_scalar(key)}:", inner, indent)
    elif isinstance(node, list):
        for inner in node:
            yield from _entry(f"{indent}-", inner, indent)


def _entry(head: str, node: object, indent: str) -> Iterator[str]:
    if isinstance(node, (dict, list)) and node:
        yield head
        yield from _lines(node, indent + _INDENT)
    else:
        yield f"{head} {_scalar(node)}"


def _scalar(value: object) -> str:
    if isinstance(value, _Address):
        return f"{int(value):#04x}"
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    if not isinstance(value, str):
        return json.dumps(value)
    text = escaped(value)
    is_plain = _PLAIN_TEXT.fullmatch(text) and text == text.strip() and ": " not in f"{text} "
    if is_plain and isinstance(read_plain(text), str):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return "".join(
        character if character.isprintable() and character != "\ufeff" else _escape(character)
        for character in json.dumps(text, ensure_ascii=False)
    )


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
