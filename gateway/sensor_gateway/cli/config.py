"""``config show`` and ``config schema``: the configuration as it is understood, and as an editor understands it."""

from __future__ import annotations

import argparse
import json
import os

from sensor_gateway.cli.arguments import Subparsers, add_command, add_config, config_file, load_or_complain

_ABOUT = """\
Shows the configuration as the gateway understands it, or a JSON Schema of what may stand in it.

  sensor-gateway config show --config my.yaml
  sensor-gateway config schema > schema.json
"""

_ABOUT_SHOW = """\
Prints the configuration with conf.d/*.yaml merged, every default filled in and secrets hidden. It is YAML again:
what you see is what you can write.

  sensor-gateway config show --config my.yaml
"""

_ABOUT_SCHEMA = """\
Prints a JSON Schema of the configuration, with the drivers that are installed here. An editor with a YAML language
server checks and completes the file by it, when its first line names the schema:

  sensor-gateway config schema > schema.json
  # yaml-language-server: $schema=schema.json
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "config", summary="show the configuration, or its schema", about=_ABOUT)
    commands = parser.add_subparsers(dest="config_command", metavar="COMMAND", required=True)
    show = add_command(
        commands, "show", summary="the configuration with every default filled in, secrets hidden", about=_ABOUT_SHOW
    )
    add_config(show)
    show.set_defaults(run=run_show)
    schema = add_command(
        commands,
        "schema",
        summary="a JSON Schema, with which an editor checks and completes the file",
        about=_ABOUT_SCHEMA,
    )
    schema.set_defaults(run=run_schema)


def run_show(arguments: argparse.Namespace) -> int:
    """Print the configuration; the exit code."""
    from sensor_gateway.config.show import show
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    configuration = load_or_complain(config_file(arguments), DriverCatalogue(), needs_broker=False)
    print(show(configuration), end="")
    return os.EX_OK


def run_schema(_arguments: argparse.Namespace) -> int:
    """Print the schema; the exit code."""
    from sensor_gateway.config.schema import json_schema
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    print(json.dumps(json_schema(DriverCatalogue()), indent=2, ensure_ascii=False))
    return os.EX_OK
