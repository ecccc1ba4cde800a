"""``check-config``: every fault of a configuration in one go."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import (
    DEFAULT_FILE,
    EX_FAILED,
    Checked,
    Subparsers,
    add_command,
    add_named_config,
    complain,
    config_file,
    load_checked,
    point_at_an_example,
    program,
    say,
)

if TYPE_CHECKING:
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.config.text.faults import Fault
    from sensor_gateway.sensing.catalogue import DriverCatalogue

_ABOUT = """\
Checks configuration files, each with conf.d/*.yaml beside it, and prints every fault in one go: file, line and
column, the key, what was expected. The text alone is checked, so that it can be done anywhere. With --here, the
secrets are read, the buses opened and the broker connected to, as the gateway would do it on this machine.

Exit code 78 when there is a fault in the text or with a secret, 1 when only this machine lacks something; warnings
alone are no fault.

  sensor-gateway check-config my.yaml
  sensor-gateway check-config --here my.yaml
  sensor-gateway check-config my.yaml --json | jq -r .message
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "check-config",
        summary="check configuration files: every fault, with file, line and column",
        about=_ABOUT,
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help=f"a configuration file (default {DEFAULT_FILE})"
    )
    add_named_config(parser)
    parser.add_argument("--here", action="store_true", help="look at this machine too: secrets, buses, broker")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per fault, warning or lack, and nothing else"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check each file by itself; the exit code."""
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    catalogue = DriverCatalogue()
    code = os.EX_OK
    is_named = arguments.config is not None or not arguments.files
    for file in (config_file(arguments, arguments.files),) if is_named else arguments.files:
        checked = load_checked(file, catalogue, needs_broker=True, with_secrets=arguments.here)
        if arguments.json:
            _show_as_json(checked)
        else:
            _show(file, checked)
        if checked.configuration is None:
            code = os.EX_CONFIG
        elif arguments.here and _is_lacking(checked.configuration, catalogue, as_json=arguments.json):
            code = max(code, EX_FAILED)
    return code


def _is_lacking(configuration: Configuration, catalogue: DriverCatalogue, *, as_json: bool) -> bool:
    """Whether this machine lacks something; it is printed."""
    from sensor_gateway.cli.machine_check import lacks
    from sensor_gateway.service.system_clock import SystemClock

    is_lacking = False
    for lack in lacks(configuration, catalogue, SystemClock()):
        is_lacking = True
        if as_json:
            print(json.dumps({"level": "lack", "path": lack.path, "message": lack.message}, ensure_ascii=False))
        else:
            say(f"here: {lack}")
    return is_lacking


def _show(file: Path, checked: Checked) -> None:
    complain(checked)
    if checked.configuration is None:
        point_at_an_example(file)
    else:
        count = len(checked.configuration.sensors)
        hint = "" if count else f": add one below `sensors:`; `{program()} drivers` lists what can be read"
        print(f"{file}: fine, {count} sensor{'' if count == 1 else 's'}{hint}")


def _show_as_json(checked: Checked) -> None:
    for level, faults in (("warning", checked.warnings), ("fault", checked.faults)):
        for fault in faults:
            print(json.dumps({"level": level, **_facts(fault)}, ensure_ascii=False))


def _facts(fault: Fault) -> dict[str, object]:
    return {
        "file": str(fault.file),
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "message": fault.message,
    }
