"""``drivers``: what can be read."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import DEFAULT_FILE, EX_FAILED, Subparsers, add_command, program, say, unknown_name

if TYPE_CHECKING:
    from sensor_gateway.model.driver_spec import DriverSpec

_ABOUT = """\
Lists the drivers that are installed here, with what they measure and who installed them; or shows one of them, with
its addresses, channels and options, and an example of how it is written into a configuration.

  sensor-gateway drivers
  sensor-gateway drivers modbus

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
    from sensor_gateway.cli.driver_page import facts, page
    from sensor_gateway.config.device_files.shelf import DeviceShelf, directories_of
    from sensor_gateway.config.drivers import DriverShelf
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    catalogue = DriverCatalogue()
    known = catalogue.names()
    if arguments.name and arguments.name not in known:
        is_device = arguments.name in DeviceShelf(directories_of(DEFAULT_FILE)).files()
        hint = f"{arguments.name} is a device file: `{program()} devices {arguments.name}` shows it"
        say(hint if is_device else unknown_name("driver", arguments.name, known))
        return os.EX_USAGE
    shelf = DriverShelf(catalogue)
    code = os.EX_OK
    for name in (arguments.name,) if arguments.name else known:
        found, origin = shelf.find(name), catalogue.origin(name)
        if isinstance(found, str):
            code = EX_FAILED
            say(f"{name}: {found}")
            if arguments.json:
                print(json.dumps({"name": name, "origin": origin, "error": found}, ensure_ascii=False))
        elif arguments.json:
            print(json.dumps(facts(name, found, origin), ensure_ascii=False))
        else:
            print("\n".join(page(name, found, origin)) if arguments.name else _row(name, found, origin))
    return code


def _row(name: str, spec: DriverSpec, origin: str) -> str:
    from sensor_gateway.cli.driver_page import bus_of

    measures = ", ".join(channel.name for channel in spec.variants[name].channels) or "as configured"
    return f"{name:10} {bus_of(spec):7} {measures:34} {origin}"
