"""``drivers``: what can be read."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import EX_FAILED, Subparsers, add_command, say, unknown_name

if TYPE_CHECKING:
    from sensor_gateway.model.driver_spec import DriverSpec
    from sensor_gateway.sensing.catalogue import DriverCatalogue

_ABOUT = """\
Lists the drivers that are installed here, with what they measure and who installed them; or shows one of them, with
its addresses, channels and options, and how it is written into a configuration.

  sensor-gateway drivers
  sensor-gateway drivers bme280

Exit code 1 when one is installed and cannot be used; all others work all the same.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, "drivers", summary="list the drivers, or show one with its channels and options", about=_ABOUT
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the driver to show")
    parser.add_argument("--json", action="store_true", help="one JSON object per driver")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List or show; the exit code."""
    from sensor_gateway.config.drivers import DriverShelf
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    catalogue = DriverCatalogue()
    known = catalogue.names()
    if arguments.name and arguments.name not in known:
        say(unknown_name("driver", arguments.name, known))
        return os.EX_USAGE
    shelf = DriverShelf(catalogue)
    code = os.EX_OK
    for name in (arguments.name,) if arguments.name else known:
        found = shelf.find(name)
        if isinstance(found, str):
            code = EX_FAILED
            say(f"{name}: {found}")
            if arguments.json:
                print(json.dumps({"name": name, "origin": catalogue.origin(name), "error": found}, ensure_ascii=False))
        elif arguments.json:
            print(json.dumps(_facts(name, found, catalogue), ensure_ascii=False))
        else:
            lines = _description(name, found, catalogue) if arguments.name else _row(name, found, catalogue)
            print("\n".join(lines))
    return code


def _row(name: str, spec: DriverSpec, catalogue: DriverCatalogue) -> Iterator[str]:
    measures = ", ".join(channel.name for channel in spec.variants[name].channels) or "as configured"
    yield f"{name:10} {_bus(spec):7} {measures:34} {catalogue.origin(name)}"


def _description(name: str, spec: DriverSpec, catalogue: DriverCatalogue) -> Iterator[str]:
    variant = spec.variants[name]
    yield f"{name}: {spec.summary}"
    if variant.part:
        yield f"  part       {variant.part}"
    yield f"  bus        {_bus(spec)}"
    if variant.addresses:
        yield f"  addresses  {', '.join(f'0x{address:02x}' for address in variant.addresses)}"
    for channel in variant.channels:
        limits = f"{channel.low:g} to {channel.high:g} {channel.quantity.unit}"
        yield f"  channel    {channel.name}: {limits}, resolution {channel.resolution:g}, deadband {channel.deadband:g}"
    if not variant.channels:
        yield "  channels   as the options say"
    for option in _options(spec):
        must = " (must be given)" if option["required"] else ""
        default = "" if option["default"] is None else f" (default {_as_yaml(option['default'])})"
        yield f"  option     {option['name']}{must}{default}: {option['about']}"
    yield f"  origin     {catalogue.origin(name)}"
    if _bus(spec) == "i2c":
        yield f"\n  sensors:\n    my-sensor:\n      driver: {name}\n      bus: i2c1"


def _bus(spec: DriverSpec) -> str:
    return spec.bus.value.partition("_")[0]


def _options(spec: DriverSpec) -> list[dict[str, object]]:
    """The options as users write them."""
    from sensor_gateway.config.values.decoder import fields_of, unwrap
    from sensor_gateway.config.values.kinds import KINDS

    defaults = {field.name: field.default for field in dataclasses.fields(spec.options)}
    options: list[dict[str, object]] = []
    for name, field in fields_of(spec.options).items():
        kind, default = KINDS.get(unwrap(field.type)[0]), defaults[name]
        if default is dataclasses.MISSING or default == "":
            default = None
        elif kind is not None:
            default = kind.write(default)
        elif not isinstance(default, bool | int | float):
            default = None if default is None else str(default)
        options.append({"name": name, "required": field.is_required, "default": default, "about": field.description})
    return options


def _as_yaml(value: object) -> object:
    return json.dumps(value) if isinstance(value, bool) else value


def _facts(name: str, spec: DriverSpec, catalogue: DriverCatalogue) -> dict[str, object]:
    variant = spec.variants[name]
    return {
        "name": name,
        "summary": spec.summary,
        "bus": _bus(spec),
        "part": variant.part,
        "addresses": [f"0x{address:02x}" for address in variant.addresses],
        "channels": [
            {
                "name": channel.name,
                "quantity": channel.quantity.name,
                "unit": channel.quantity.unit,
                "low": channel.low,
                "high": channel.high,
                "resolution": channel.resolution,
                "deadband": channel.deadband,
            }
            for channel in variant.channels
        ],
        "options": _options(spec),
        "origin": catalogue.origin(name),
    }
