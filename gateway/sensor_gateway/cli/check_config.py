"""``check-config``: every fault of a configuration in one go."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sensor_gateway.cli.arguments import Subparsers, Unusable, load_or_complain


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "check-config",
        help="check configuration files: every fault, with file, line and column",
        description="Checks the text alone; with --here the secrets too, as they are on this machine. Exit code 78 "
        "when there is a fault.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--here", action="store_true", help="look at this machine too: are the secrets there?")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check each file by itself; the exit code."""
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    catalogue = DriverCatalogue()
    code = os.EX_OK
    for file in arguments.files:
        try:
            configuration = load_or_complain(file, catalogue, needs_broker=True, with_secrets=arguments.here)
        except Unusable:
            code = os.EX_CONFIG
            continue
        count = len(configuration.sensors)
        hint = "" if count else ": add one below `sensors:`; `sensor-gateway drivers` lists what can be read"
        print(f"{file}: fine, {count} sensor{'' if count == 1 else 's'}{hint}")
    return code
