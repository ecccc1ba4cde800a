"""From nodes to frozen dataclasses, driven by the dataclasses themselves.

Knows types, not sections: what a file may hold is said in ``settings`` and in the drivers' options. Whatever is
wrong goes to the report, with its place, and reading goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Deadband
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, Node, joined
from sensor_gateway.config.values.deadbands import read_deadband
from sensor_gateway.config.values.filter_steps import read_filter
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.near_miss import is_misspelt
from sensor_gateway.config.values.notation import Mark, attribute_of, key_of
from sensor_gateway.config.values.objections import OBJECTIONS, certain_objection
from sensor_gateway.config.values.readers import (
    INVALID,
    Reader,
    as_map,
    choice_reader,
    first_fit,
    mapping_reader,
    optional_reader,
    report_about,
    report_unknown,
    scalar_reader,
    switch_reader,
    tuple_reader,
)
from sensor_gateway.model.errors import message_of
from sensor_gateway.model.units import Seconds

NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_RULES: Final[Mapping[object, Reader]] = MappingProxyType({Deadband: read_deadband, FilterSpec: read_filter})


class UnsupportedType(TypeError):
    """A dataclass has a field of a type that a file cannot hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One key of a section: its type, the marks beside the type, what it means, and how it is read."""

    name: str
    type: object
    marks: tuple[object, ...]
    description: str
    is_required: bool
    read: Reader


@cache
def fields_of(section: type) -> Mapping[str, Field]:
    """The keys that ``section``, a dataclass, has in a file. UnsupportedType for one that no file can hold."""
    try:
        hints = get_type_hints(section, include_extras=True)
        declared = [field for field in dataclasses.fields(section) if field.init]
    except (NameError, AttributeError, TypeError) as error:
        raise UnsupportedType(f"the types of {section.__name__} cannot be resolved: {error}") from error
    bare = {field.name: unwrap(hints[field.name]) for field in declared}
    written = [field for field in declared if Mark.NOT_WRITTEN not in bare[field.name][1]]
    return MappingProxyType({key_of(field.name): _field(field, *bare[field.name]) for field in written})


def _field(field: dataclasses.Field[Any], bare: object, marks: tuple[object, ...]) -> Field:
    return Field(
        name=key_of(field.name),
        type=bare,
        marks=marks,
        description=next((mark for mark in marks if isinstance(mark, str)), ""),
        is_required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        read=reader_of(bare, marks),
    )


def read_section(section: type, node: Node, path: str, report: Report, given: Mapping[str, object] = NOTHING) -> object:
    """An instance of ``section``, a dataclass, or INVALID. ``given`` holds values for what is not written."""
    table = as_map(node, path, report)
    if table is None:
        return INVALID
    fields = fields_of(section)
    meant = report_unknown(table, path, report, fields)
    if meant:
        judge_meant(fields, meant, table, path, report)
        given = {**given, **dict.fromkeys(meant, INVALID)}
    values = read_fields(fields, table, path, report, given)
    built = construct(section, values, table, path, report)
    return built if table.entries.keys() <= fields.keys() else INVALID


def read_fields(
    fields: Mapping[str, Field], table: MapNode, path: str, report: Report, given: Mapping[str, object] = NOTHING
) -> dict[str, object]:
    """The values of those ``fields`` that are written, over those that are ``given``; INVALID for each with a fault.

    What is given as INVALID has been reported already.
    """
    values = dict(given)
    for name, field in fields.items():
        entry = table.entries.get(name)
        if entry is not None:
            values[name] = field.read(entry.node, joined(path, name), report)
        elif field.is_required and name not in given:
            report.fault(table.place, joined(path, name), f"`{name}` is missing; expected {_begun(field.description)}")
            values[name] = INVALID
    return values


def judge_meant(
    fields: Mapping[str, Field], meant: Mapping[str, str], table: MapNode, path: str, report: Report
) -> None:
    """Report what is wrong with the values behind misspelt keys too: ``meant`` holds fields, and how they are written.

    A neighbour's key may hold a neighbour's value, which is no fault of its own; but durations carry units.
    """
    for name, written in meant.items():
        if is_misspelt(written, name) or fields[name].type is Seconds:
            fields[name].read(table.entries[written].node, joined(path, written), report)


def _begun(description: str) -> str:
    return description[:1].lower() + description[1:].rstrip(".") if description else "a value"


def construct(section: type, values: Mapping[str, object], table: MapNode, path: str, report: Report) -> object:
    """``section(**values)``; its own objections become faults, at the key that they begin with if they do.

    Where values are INVALID the answer is too, after those objections that hold whatever stands in their place.
    """
    if INVALID in values.values():
        sentence = certain_objection(section, values, fields_of(section))
        if sentence:
            report_about(sentence, table, path, report)
        return INVALID
    try:
        return section(**{attribute_of(name): value for name, value in values.items()})
    except OBJECTIONS as error:
        report_about(message_of(error), table, path, report)
        return INVALID


def unwrap(hint: object) -> tuple[object, tuple[object, ...]]:
    """A type without ``Annotated``, and the marks that stood in it."""
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        return bare, tuple(marks)
    return hint, ()


def reader_of(hint: object, marks: tuple[object, ...] = ()) -> Reader:
    """How a value of a type is read. UnsupportedType where a file cannot hold one."""
    bare, more = unwrap(hint)
    marks = (*marks, *more)
    if bare in _RULES:
        return _RULES[bare]
    if bare in KINDS:
        return scalar_reader(KINDS[bare], marks)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return choice_reader([(member.value, member) for member in bare])
    if isinstance(bare, type) and dataclasses.is_dataclass(bare):
        return _section_reader(bare)
    if hasattr(bare, "__supertype__"):
        return reader_of(bare.__supertype__, marks)
    return _composite_reader(bare, marks)


def _composite_reader(bare: object, marks: tuple[object, ...]) -> Reader:
    origin, parts = get_origin(bare), get_args(bare)
    if origin is Literal:
        return choice_reader([(choice, choice) for choice in parts])
    if origin in (Union, UnionType):
        return _union_reader(parts, marks)
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        return tuple_reader((reader_of(parts[0]),), is_open=True)
    if origin is tuple:
        return tuple_reader(tuple(reader_of(part) for part in parts))
    if isinstance(origin, type) and issubclass(origin, Mapping) and unwrap(parts[0])[0] is str:
        return mapping_reader(reader_of(parts[1]), names_are_ids=Mark.IDENTIFIER in (*marks, *unwrap(parts[0])[1]))
    raise UnsupportedType(f"a file cannot hold a {getattr(bare, '__name__', bare)}")


def _section_reader(section: type) -> Reader:
    fields_of(section)
    return lambda node, path, report: read_section(section, node, path, report)


def _union_reader(members: tuple[object, ...], marks: tuple[object, ...]) -> Reader:
    others = tuple(member for member in members if member is not NoneType)
    inner = reader_of(others[0], marks) if len(others) == 1 else first_fit(tuple(map(reader_of, others)))
    if len(others) == len(members):
        return inner
    if Mark.FALSE_IS_NONE in marks:
        return switch_reader(inner, is_section=dataclasses.is_dataclass(others[0]))
    return optional_reader(inner)
