"""From a dataclass that describes a message to its JSON Schema (draft 2020-12). Pure.

Knows types, not messages. Every object is closed, every key is required that is not marked otherwise, and nothing is
written that draft 7 would read otherwise, so that AsyncAPI documents can hold the same text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Final, Literal, NewType, TypeAlias, Union, get_args, get_origin, get_type_hints

from sensor_gateway.model.vitals.moment import Rfc3339

Schema: TypeAlias = dict[str, object]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: Final = MappingProxyType({str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"})


TIME: Final[Mapping[str, object]] = MappingProxyType(
    {"format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"}
)
"""What a schema says of a moment beside its type: RFC 3339, in UTC, with milliseconds."""


class Undescribed(TypeError):
    """A message has a field of a type that no schema is known for."""


class Presence(Enum):
    """How often a key is there, where that is not always."""

    AT_TIMES = auto()


@dataclass(frozen=True, slots=True)
class Says:
    """What a schema says beside the type: its keywords, like ``pattern`` or ``minimum``."""

    keywords: Mapping[str, object]

    def __hash__(self) -> int:
        """``Annotated`` wants one; equal marks have equal names of keywords."""
        return hash(tuple(self.keywords))


def object_schema(*shapes: type) -> Schema:
    """A closed object with the fields of all ``shapes`` (dataclasses); the first one's docstring says what it is.

    A field whose key is a word of Python ends in an underscore, which is no part of the key.
    """
    fields = [field for shape in shapes for field in _fields(shape)]
    return {
        "type": "object",
        "description": " ".join((shapes[0].__doc__ or "").split()),
        "properties": {name: schema for name, schema, _ in fields},
        "required": [name for name, _, is_required in fields if is_required],
        "additionalProperties": False,
    }


def one_of(schemas: Iterable[Schema]) -> Schema:
    """Exactly one of them; a single one is itself."""
    choices = list(schemas)
    return choices[0] if len(choices) == 1 else {"oneOf": choices}


def standing_alone(schema: Schema, *, name: str, title: str) -> Schema:
    """The schema as a document of its own, under a name that stays the same."""
    return {"$schema": DIALECT, "$id": f"urn:sensor-gateway:message:{name}", "title": title, **schema}


def _fields(shape: type) -> list[tuple[str, Schema, bool]]:
    hints = get_type_hints(shape, include_extras=True)
    types = {field.name.removesuffix("_"): hints[field.name] for field in dataclasses.fields(shape)}
    return [
        (name, _of(hint), Presence.AT_TIMES not in getattr(hint, "__metadata__", ())) for name, hint in types.items()
    ]


def _of(hint: object) -> Schema:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(parts[0], parts[1:])
    if origin is Literal:
        values = [part.value if isinstance(part, Enum) else part for part in parts]
        return {"const": values[0]} if len(values) == 1 else {"enum": values}
    if origin in (Union, UnionType):
        return _union(parts)
    return _container(hint, origin, parts) if isinstance(origin, type) else _plain(hint)


def _plain(hint: object) -> Schema:
    if isinstance(hint, NewType):
        return {**_of(hint.__supertype__), **(TIME if hint is Rfc3339 else {})}
    if isinstance(hint, type):
        if issubclass(hint, StrEnum):
            return {"enum": [member.value for member in hint]}
        if dataclasses.is_dataclass(hint):
            return object_schema(hint)
        if hint in _SCALARS:
            return {"type": _SCALARS[hint]}
    raise Undescribed(f"no schema is known for {hint}")


def _annotated(bare: object, marks: tuple[object, ...]) -> Schema:
    """Later marks go before earlier ones: an alias says what its name always means, the field what it means here."""
    schema = _of(bare)
    for mark in marks:
        if isinstance(mark, str):
            schema["description"] = mark
        elif isinstance(mark, Says):
            schema |= mark.keywords
    return schema


def _union(parts: tuple[object, ...]) -> Schema:
    others = [_of(part) for part in parts if part is not NoneType]
    if NoneType not in parts:
        return {"oneOf": others}
    if len(others) == 1 and isinstance(others[0].get("type"), str) and "properties" not in others[0]:
        return {**others[0], "type": [others[0]["type"], "null"]}
    if len(others) == 1 and isinstance(choices := others[0].get("enum"), list):
        return {**others[0], "enum": [*choices, None]}
    return {"oneOf": [*others, {"type": "null"}]}


def _container(hint: object, origin: type, parts: tuple[object, ...]) -> Schema:
    if issubclass(origin, Mapping):
        return {"type": "object", "propertyNames": _of(parts[0]), "additionalProperties": _of(parts[1])}
    if origin is tuple and parts[-1:] == (Ellipsis,):
        return {"type": "array", "items": _of(parts[0])}
    raise Undescribed(f"no schema is known for {hint}")
