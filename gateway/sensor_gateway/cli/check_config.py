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
from sensor_gateway.model.writing.figures import counted

if TYPE_CHECKING:
    from sensor_gateway.config.sections.broker import MqttSection
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.config.text.faults import Fault
    from sensor_gateway.sensing.catalogue import DriverCatalogue

_ABOUT = """\
Checks configuration files, each with conf.d/*.yaml beside it, and prints every fault in one go: file, line and
column, the key, what was expected. The text alone is checked, so that it can be done anywhere. With --here, the
secrets are read, the buses opened and the broker connected to, as the gateway would do it on this machine; call it
with sudo where only the service may read its secrets.

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
        if arguments.here:
            checked, unseen = _checked_here(file)
        else:
            checked, unseen = load_checked(file, catalogue, needs_broker=True), ""
        if arguments.json:
            _show_as_json(checked)
        else:
            _show(file, checked, is_here=arguments.here)
        if checked.configuration is None:
            code = os.EX_CONFIG
        elif arguments.here and _is_lacking(checked.configuration, catalogue, unseen, as_json=arguments.json):
            code = max(code, EX_FAILED)
    return code


def _checked_here(file: Path) -> tuple[Checked, str]:
    """What is in ``file``, with its secrets as the service gets them; and why one could not be seen, if so."""
    from sensor_gateway.service.doctor.doors.configuration import read_configuration

    reading, unseen = read_configuration(file, os.environ)
    checked = Checked(
        configuration=reading.configuration,
        startable=reading.startable,
        faults=reading.faults,
        warnings=reading.warnings,
    )
    return checked, unseen


def _is_lacking(configuration: Configuration, catalogue: DriverCatalogue, unseen: str, *, as_json: bool) -> bool:
    """Whether this machine lacks something, or could not be looked at (``unseen`` says why); it is printed."""
    from sensor_gateway.cli.machine_check import lacks
    from sensor_gateway.service.system_clock import SystemClock

    is_lacking = False
    for lack in lacks(configuration, catalogue, SystemClock(), unseen):
        is_lacking = True
        if as_json:
            print(json.dumps({"level": "lack", "path": lack.path, "message": lack.message}, ensure_ascii=False))
        else:
            say(f"here: {lack}")
    return is_lacking


def _show(file: Path, checked: Checked, *, is_here: bool) -> None:
    complain(checked)
    if checked.configuration is None:
        point_at_an_example(file)
    else:
        count = len(checked.configuration.sensors)
        hint = "" if count else f": add one below `sensors:`; `{program()} drivers` lists what can be read"
        unread = () if is_here else _secrets_named(checked.configuration.mqtt)
        were = "was" if len(unread) == 1 else "were"
        left = f"; {' and '.join(unread)} {were} not looked at: --here does" if unread else ""
        print(f"{file}: fine, {counted(count, 'sensor')}{hint}{left}")


def _secrets_named(mqtt: MqttSection | None) -> tuple[str, ...]:
    """The keys whose files, or whose own secrecy, only a look at this machine can judge."""
    if mqtt is None:
        return ()
    named = {
        "password_file": mqtt.password_file,
        "password": mqtt.password,
        "tls": mqtt.tls and (mqtt.tls.ca_file or mqtt.tls.cert_file or mqtt.tls.key_file),
    }
    return tuple(f"mqtt.{key}" for key, value in named.items() if value)


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
