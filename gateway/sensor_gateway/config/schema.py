"""The JSON Schema (draft 2020-12) of the configuration file, for editors; made from the same dataclasses.

It is a little more generous than the loader: what a type cannot say (two sensors at one address) is left to
``check-config``. A value with ``${NAME}`` in it is accepted everywhere.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import Final, Literal, Union, cast, get_args, get_origin

from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Deadband
from sensor_gateway.config.drivers import Catalogue, DriverShelf
from sensor_gateway.config.sections.broker import MqttSection
from sensor_gateway.config.sections.buses import BUS_TYPES
from sensor_gateway.config.settings import ChannelSection, Configuration, SensorSection
from sensor_gateway.config.values.deadbands import DEADBAND_SCHEMA
from sensor_gateway.config.values.decoder import Field, fields_of, unwrap
from sensor_gateway.config.values.filter_steps import FILTERS
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.notation import Mark, Within
from sensor_gateway.model.driver_spec import BusKind, DriverSpec

_CHANNEL: Final[Mapping[str, object]] = MappingProxyType({"$ref": "#/$defs/channel"})
_NAME: Final = "^[a-z0-9_-]+$"
_VARIABLE: Final[Mapping[str, object]] = MappingProxyType({"type": "string", "pattern": r"\$\{"})

Schema = dict[str, object]


def schema_text(catalogue: Catalogue) -> str:
    """The schema as the text of a file."""
    return json.dumps(json_schema(catalogue), indent=2, ensure_ascii=False) + "\n"


def json_schema(catalogue: Catalogue) -> Schema:
    """The schema of a whole file (or of a part in conf.d), with the options of every driver that can be loaded."""
    sections = {
        name: _field(field)
        for name, field in fields_of(Configuration).items()
        if name not in ("mqtt", "buses", "sensors")
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of sensor-gateway",
        "type": "object",
        "properties": {
            **sections,
            "mqtt": _section(MqttSection),
            "buses": {"type": ["object", "null"], "additionalProperties": _bus()},
            "sensors": {
                "type": ["object", "null"],
                "propertyNames": {"pattern": _NAME},
                "additionalProperties": _sensor(catalogue),
            },
        },
        "additionalProperties": False,
        "$defs": {"channel": _section(ChannelSection)},
    }


def _bus() -> Schema:
    choices = [
        {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": _section(section, {"path"})}
        for name, section in BUS_TYPES.items()
    ]
    undeclared = {"if": {"not": {"required": ["type"]}}, "then": _section(BUS_TYPES["i2c"], {"path"})}
    return {"type": "object", "properties": {"type": {"enum": list(BUS_TYPES)}}, "allOf": [*choices, undeclared]}


def _sensor(catalogue: Catalogue) -> Schema:
    shelf = DriverShelf(catalogue)
    found = {name: shelf.find(name) for name in catalogue.names()}
    specs = {name: spec for name, spec in found.items() if isinstance(spec, DriverSpec)}
    families: dict[str, list[str]] = {}
    for name, spec in specs.items():
        families.setdefault(spec.name, []).append(name)
    return {
        "type": "object",
        "properties": {
            "driver": {"enum": list(specs), "description": fields_of(SensorSection)["driver"].description},
            "device": _field(fields_of(SensorSection)["device"]),
        },
        "anyOf": [{"required": ["driver"]}, {"required": ["device", "bus"]}],
        "allOf": [
            {
                "if": {"properties": {"driver": {"enum": names}}, "required": ["driver"]},
                "then": _sensor_of(specs[names[0]], names, specs),
            }
            for names in families.values()
        ],
    }


def _sensor_of(spec: DriverSpec, names: list[str], specs: Mapping[str, DriverSpec]) -> Schema:
    common = {name: _field(field) for name, field in fields_of(SensorSection).items() if name != "device"}
    if spec.bus is BusKind.I2C:
        del common["unit"]
    elif not spec.needs_unit:
        del common["unit"], common["address"]
    else:
        del common["address"]
    if spec.channels_of is None:
        channels = {channel.name for name in names for channel in specs[name].variants[name].channels}
        common["channels"] = _named_channels(sorted(channels))
    options = fields_of(spec.options)
    required = [name for name, field in options.items() if field.is_required]
    return {
        "description": spec.summary,
        "properties": {**common, **{name: _field(field) for name, field in options.items()}},
        "required": [
            *required,
            *(["unit"] if spec.needs_unit else []),
            *(["bus"] if spec.bus is not BusKind.SYSFS else []),
        ],
        "additionalProperties": False,
    }


def _named_channels(names: Iterable[str]) -> Schema:
    description = fields_of(SensorSection)["channels"].description
    return {
        "type": ["object", "null"],
        "description": description,
        "properties": {name: dict(_CHANNEL) for name in names},
        "additionalProperties": False,
    }


def _section(section: type, optional: Iterable[str] = ()) -> Schema:
    fields = fields_of(section)
    excused = {*optional, "deadband", "heartbeat", "interval"}
    required = [name for name, field in fields.items() if field.is_required and name not in excused]
    schema: Schema = {
        "type": "object" if required else ["object", "null"],
        "description": " ".join((section.__doc__ or "").split()),
        "properties": {name: _field(field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _field(field: Field) -> Schema:
    schema = _of(field.type, field.marks)
    return {**schema, "description": field.description} if field.description else schema


def _of(hint: object, marks: tuple[object, ...]) -> Schema:
    bare, more = unwrap(hint)
    marks = (*marks, *more)
    if bare in (Deadband, FilterSpec):
        return _or_variable(dict(DEADBAND_SCHEMA)) if bare == Deadband else _filter()
    if bare in KINDS:
        return _scalar(bare, marks)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return _or_variable({"enum": [member.value for member in bare]})
    if isinstance(bare, type) and dataclasses.is_dataclass(bare):
        return dict(_CHANNEL) if bare is ChannelSection else _section(bare)
    if hasattr(bare, "__supertype__"):
        return _of(bare.__supertype__, marks)
    return _composite(bare, marks)


def _composite(bare: object, marks: tuple[object, ...]) -> Schema:
    origin, parts = get_origin(bare), get_args(bare)
    if origin is Literal:
        digits = [int(part) for part in parts if isinstance(part, str) and part.isdecimal()]
        return _or_variable({"enum": [*parts, *digits]})
    if origin in (Union, UnionType):
        return _union(parts, marks)
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": _of(parts[0], ())}
    if origin is tuple:
        items = [_of(part, ()) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(parts), "items": False}
    return {"type": ["object", "null"], "additionalProperties": _of(parts[1], ())}


def _union(parts: tuple[object, ...], marks: tuple[object, ...]) -> Schema:
    others = [_of(part, marks if len(parts) == 2 else ()) for part in parts if part is not NoneType]
    if NoneType not in parts:
        return {"anyOf": others}
    if Mark.FALSE_IS_NONE in marks:
        is_section = others[0].get("type") != "string" and "properties" in others[0]
        return {"anyOf": [*others, {"type": "boolean"} if is_section else {"const": False}]}
    return {"anyOf": [*others, {"type": "null"}]}


def _scalar(bare: object, marks: tuple[object, ...]) -> Schema:
    kind = KINDS[bare]
    schema = dict(kind.schema)
    for mark in marks:
        if isinstance(mark, Within) and kind.scale is None:
            limits = {"minimum": mark.low, "maximum": mark.high}
            schema |= {name: limit for name, limit in limits.items() if limit is not None}
        elif mark is Mark.IDENTIFIER:
            schema["pattern"] = _NAME
    return schema if schema == {"type": "string"} else _or_variable(schema)


def _or_variable(schema: Schema) -> Schema:
    return {"anyOf": [schema, dict(_VARIABLE)]}


def _filter() -> Schema:
    steps = {name: cast("Schema", dict(kind.schema)) for name, kind in FILTERS.items()}
    return {
        "type": "object",
        "properties": {name: step if "properties" in step else _or_variable(step) for name, step in steps.items()},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
