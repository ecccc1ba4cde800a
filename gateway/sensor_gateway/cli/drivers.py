"""``drivers``: what can be read."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, get_args, get_origin, get_type_hints

from sensor_gateway.cli.arguments import Subparsers

if TYPE_CHECKING:
    from sensor_gateway.model.driver_spec import DriverSpec
    from sensor_gateway.sensing.catalogue import DriverCatalogue


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("drivers", help="list the drivers, or show one with its channels and options")
    parser.add_argument("name", nargs="?", help="the driver to show")
    parser.add_argument("--json", action="store_true", help="one JSON object per driver")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List or show; the exit code."""
    from sensor_gateway.model.errors import OperatorError
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    catalogue = DriverCatalogue()
    names = (arguments.name,) if arguments.name else catalogue.names()
    code = os.EX_OK
    for name in names:
        try:
            spec = catalogue.spec(name)
        except OperatorError as error:
            print(f"{name}: {error}", file=sys.stderr)
            code = os.EX_UNAVAILABLE
            continue
        if arguments.json:
            print(json.dumps(_facts(name, spec, catalogue), ensure_ascii=False))
        elif arguments.name:
            _show(name, spec, catalogue)
        else:
            measures = ", ".join(channel.name for channel in spec.variants[name].channels) or "as configured"
            print(f"{name:10} {spec.bus.value.partition('_')[0]:7} {measures:34} {catalogue.origin(name)}")
    return code


def _facts(name: str, spec: DriverSpec, catalogue: DriverCatalogue) -> dict[str, object]:
    variant = spec.variants[name]
    return {
        "name": name,
        "summary": spec.summary,
        "bus": spec.bus.value,
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
        "options": [field.name for field in dataclasses.fields(spec.options)],
        "origin": catalogue.origin(name),
    }


def _show(name: str, spec: DriverSpec, catalogue: DriverCatalogue) -> None:
    variant = spec.variants[name]
    print(f"{name}: {spec.summary}")
    if variant.part:
        print(f"  part       {variant.part}")
    print(f"  bus        {spec.bus.value.partition('_')[0]}")
    if variant.addresses:
        print(f"  addresses  {', '.join(f'0x{address:02x}' for address in variant.addresses)}")
    for channel in variant.channels:
        limits = f"{channel.low:g} to {channel.high:g} {channel.quantity.unit}"
        print(
            f"  channel    {channel.name}: {limits}, resolution {channel.resolution:g}, deadband {channel.deadband:g}"
        )
    hints = get_type_hints(spec.options, include_extras=True)
    for field in dataclasses.fields(spec.options):
        hint = hints[field.name]
        about = next((note for note in get_args(hint)[1:] if isinstance(note, str)), "") if _has_notes(hint) else ""
        default = "" if field.default is dataclasses.MISSING else f" (default {field.default})"
        print(f"  option     {field.name}{default}: {about}")
    print(f"  origin     {catalogue.origin(name)}")


def _has_notes(hint: object) -> bool:
    return get_origin(hint) is Annotated
