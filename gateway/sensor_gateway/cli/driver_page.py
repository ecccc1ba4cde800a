"""What there is to know of one driver before it is used: a page for people, and facts for programs.

Everything comes from its SPEC; the example is made of its first vector, whose options are those of a file.
"""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from sensor_gateway.config.text.environment import escaped
from sensor_gateway.config.text.nodes import read_plain
from sensor_gateway.config.values.decoder import fields_of, unwrap
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.notation import attribute_of
from sensor_gateway.config.values.objections import OBJECTIONS
from sensor_gateway.model.driver_spec import BusKind

if TYPE_CHECKING:
    from sensor_gateway.model.channel import Channel
    from sensor_gateway.model.driver_spec import DriverSpec

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WIDTH: Final = 120
_PORT: Final = "/dev/serial/by-id/name-of-yours"
_SOME_ADDRESS: Final = 0x44  # of a driver for any chip


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One key as users write it. ``keys`` are those of each section in it, where it holds sections."""

    name: str
    is_required: bool
    default: object
    choices: tuple[object, ...]
    about: str
    keys: tuple[Option, ...]


def bus_of(spec: DriverSpec) -> str:
    """The kind of bus, as users know it."""
    return spec.bus.value.partition("_")[0]


def page(name: str, spec: DriverSpec, origin: str) -> Iterator[str]:
    """The driver that users write as ``name``, for people; line by line, with an example to paste."""
    variant = spec.variants[name]
    yield f"{name}: {spec.summary}"
    if variant.part:
        yield f"  part       {variant.part}"
    yield f"  bus        {bus_of(spec)}"
    if variant.addresses:
        yield f"  addresses  {', '.join(f'0x{address:02x}' for address in variant.addresses)}"
    for channel in variant.channels:
        limits = f"{channel.low:g} to {channel.high:g} {channel.quantity.unit}"
        yield f"  channel    {channel.name}: {limits}, resolution {channel.resolution:g}, deadband {channel.deadband:g}"
    if not variant.channels:
        yield "  channels   as the options say"
    for option in options_of(spec.options):
        each = " Each has:" if option.keys else ""
        yield from _folded(f"  option     {_described(option)}{each}")
        for key in option.keys:
            yield from _folded(f"    key        {_described(key)}")
    yield f"  origin     {origin}"
    yield ""
    yield from (f"  {line}" for line in example(name, spec))


def facts(name: str, spec: DriverSpec, origin: str) -> dict[str, object]:
    """The same for programs, as JSON can hold it."""
    variant = spec.variants[name]
    return {
        "name": name,
        "summary": spec.summary,
        "bus": bus_of(spec),
        "part": variant.part,
        "addresses": [f"0x{address:02x}" for address in variant.addresses],
        "channels": [_channel_facts(channel) for channel in variant.channels],
        "options": [_option_facts(option) for option in options_of(spec.options)],
        "example": "\n".join(example(name, spec)),
        "origin": origin,
    }


def example(name: str, spec: DriverSpec) -> Iterator[str]:
    """A sensor as it is written in a file, with what must be written; line by line."""
    is_serial = bus_of(spec) == "serial"
    if is_serial:
        yield "buses:"
        yield f"  my-line: {{type: serial, port: {_PORT}, baudrate: 9600}}"
    yield "sensors:"
    yield "  my-sensor:"
    yield f"    driver: {name}"
    if bus_of(spec) != BusKind.SYSFS:
        yield f"    bus: {'my-line' if is_serial else 'i2c1'}"
    if spec.needs_unit:
        yield "    unit: 1"
    if spec.bus is BusKind.I2C and not spec.variants[name].addresses:
        yield f"    address: 0x{_SOME_ADDRESS:02x}"
    required = [option.name for option in options_of(spec.options) if option.is_required]
    if required or not _is_complete(spec.options):
        written = spec.example or next((vector.options for vector in spec.vectors if vector.options), {})
        for key, value in {**dict.fromkeys(required), **written}.items():
            yield from _written(key, value, "    ")


def _is_complete(section: type) -> bool:
    """Whether nothing at all has to be written for these options."""
    try:
        section()
    except OBJECTIONS:
        return False
    return True


def options_of(section: type) -> tuple[Option, ...]:
    """The keys of ``section``, a dataclass of a driver."""
    defaults = {field.name: field.default for field in dataclasses.fields(section)}
    return tuple(
        Option(
            name=name,
            is_required=field.is_required,
            default=_default(field.type, defaults[attribute_of(name)]),
            choices=_choices(field.type),
            about=field.description,
            keys=next((options_of(part) for part in _parts(field.type) if _is_section(part)), ()),
        )
        for name, field in fields_of(section).items()
    )


def _default(hint: object, default: object) -> object:
    kind = KINDS.get(unwrap(hint)[0])
    if default is None or default is dataclasses.MISSING or default == "":
        return None
    if kind is not None:
        return kind.write(default)
    return default if isinstance(default, bool | int | float) else str(default)


def _parts(hint: object) -> Iterator[Any]:
    """A type, and those that it is made of."""
    bare, _ = unwrap(hint)
    yield bare
    if get_origin(bare) is not Literal:
        for part in get_args(bare):
            yield from _parts(part)


def _is_section(part: object) -> bool:
    return isinstance(part, type) and dataclasses.is_dataclass(part) and part not in KINDS


def _choices(hint: object) -> tuple[object, ...]:
    for part in _parts(hint):
        if get_origin(part) is Literal:
            return get_args(part)
        if isinstance(part, type) and issubclass(part, StrEnum):
            return tuple(member.value for member in part)
    return ()


def _described(option: Option) -> str:
    shown = option.default if isinstance(option.default, str) else _scalar(option.default)
    default = "" if option.default is None else f" (default {shown})"
    choices = f" [{', '.join(map(str, option.choices))}]" if option.choices else ""
    return f"{option.name}{' (must be given)' if option.is_required else default}: {option.about}{choices}"


def _folded(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent=" " * 15, break_long_words=False, break_on_hyphens=False)


def _option_facts(option: Option) -> dict[str, object]:
    return {
        "name": option.name,
        "required": option.is_required,
        "default": option.default,
        "choices": list(option.choices),
        "about": option.about,
        "keys": [_option_facts(key) for key in option.keys],
    }


def _channel_facts(channel: Channel) -> dict[str, object]:
    return {
        "name": channel.name,
        "quantity": channel.quantity.name,
        "unit": channel.quantity.unit,
        "low": channel.low,
        "high": channel.high,
        "resolution": channel.resolution,
        "deadband": channel.deadband,
    }


def _written(key: str, value: object, indent: str) -> Iterator[str]:
    """A key of a file: mappings of mappings in lines of their own, all else behind it."""
    if isinstance(value, Mapping) and any(isinstance(inner, Mapping) for inner in value.values()):
        yield f"{indent}{_scalar(key)}:"
        for name, inner in value.items():
            yield from _written(str(name), inner, f"{indent}  ")
    else:
        yield f"{indent}{_scalar(key)}: {_flow(value)}"


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(key)}: {_flow(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        is_plain = _WORD.fullmatch(value) is not None and isinstance(read_plain(value), str)
        return value if is_plain else json.dumps(escaped(value), ensure_ascii=False)
    return json.dumps(value) if isinstance(value, bool | int | float | None) else str(value)
