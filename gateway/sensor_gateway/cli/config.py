"""``config show`` and ``config schema``: the configuration as it is understood, and as an editor understands it."""

from __future__ import annotations

import argparse
import json
import os

from sensor_gateway.cli.arguments import Subparsers, Unusable, add_config, load_or_complain


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("config", help="show the configuration, or its schema")
    commands = parser.add_subparsers(dest="config_command", metavar="COMMAND", required=True)
    show = commands.add_parser("show", help="the configuration with every default filled in, secrets hidden")
    add_config(show)
    show.set_defaults(run=run_show)
    schema = commands.add_parser("schema", help="a JSON Schema, with which an editor checks and completes the file")
    schema.set_defaults(run=run_schema)


def run_show(arguments: argparse.Namespace) -> int:
    """Print the configuration; the exit code."""
    from sensor_gateway.config.show import show
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    try:
        configuration = load_or_complain(arguments.config, DriverCatalogue(), needs_broker=False)
    except Unusable:
        return os.EX_CONFIG
    print(show(configuration), end="")
    return os.EX_OK


def run_schema(_arguments: argparse.Namespace) -> int:
    """Print the schema; the exit code."""
    from sensor_gateway.config.schema import json_schema
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    print(json.dumps(json_schema(DriverCatalogue()), indent=2, ensure_ascii=False))
    return os.EX_OK
