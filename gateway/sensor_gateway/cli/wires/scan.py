"""``scan``: what is connected to this machine, and what of it is configured."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import (
    DEFAULT_FILE,
    EX_FAILED,
    Subparsers,
    Unusable,
    add_command,
    add_named_config,
    complain,
    ended_by_ctrl_c,
    load_checked,
    say,
)

if TYPE_CHECKING:
    from sensor_gateway.cli.wires.survey import Survey
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.sensing.catalogue import DriverCatalogue

_ABOUT = """\
Looks at every I2C bus and serial port of this machine: which addresses answer, which chip each one is or may be, what
a kernel driver owns or measures itself (hwmon, IIO, 1-wire), and what of it is configured or missing. To a chip that
is not identified yet it writes nothing that another chip at that address would act on; serial ports are not opened.
To configured buses on the network it connects, and sends nothing. Stop the daemon first: it owns its buses.

  sensor-gateway scan
  sensor-gateway scan --config my.yaml
  sensor-gateway scan i2c1 --yaml > found.yaml

Exit code 1 when a configured sensor does not answer, a configured bus is missing or nothing is there at all, 75 when
another process owns a bus, 77 when one may not be used (the group to join is named), 78 when the file has faults.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "scan", summary="find what is connected: buses, addresses, chips", about=_ABOUT)
    parser.add_argument(
        "buses", nargs="*", metavar="BUS", help="these I2C buses alone, like i2c1; by default all, and serial ports"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--yaml", action="store_true", help="what is not configured yet, as YAML to paste")
    form.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="look below DIR for dev, sys and proc (for tests)"
    )
    add_named_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scan; the exit code."""
    from sensor_gateway.cli.wires import scan_page
    from sensor_gateway.cli.wires.survey import Surveyor
    from sensor_gateway.model.errors import OperatorError
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.sensing.scan.machine import Machine
    from sensor_gateway.service.system_clock import SystemClock

    catalogue = DriverCatalogue()
    configuration = _configuration(arguments.config, catalogue)
    surveyor = Surveyor(Machine(arguments.root), catalogue, configuration, SystemClock())
    try:
        with ended_by_ctrl_c():
            survey = surveyor.look(arguments.buses)
    except OperatorError as error:
        say(f"sensor-gateway: {error}")
        return os.EX_USAGE
    if arguments.json:
        print(json.dumps(scan_page.facts(survey), ensure_ascii=False))
    else:
        print("\n".join(scan_page.yaml(survey) if arguments.yaml else scan_page.page(survey)))
    return _code(survey)


def _configuration(named: Path | None, catalogue: DriverCatalogue) -> Configuration:
    """The configuration where one is named or at its usual place; else an empty one. Unusable where it has faults.

    Sensors whose drivers cannot be used are left out, and told.
    """
    from sensor_gateway.config.settings import Configuration

    file = named or DEFAULT_FILE
    if named is None and not file.exists():
        return Configuration()
    checked = load_checked(file, catalogue, needs_broker=False)
    complain(checked)
    if checked.startable is not None:
        return checked.startable.configuration
    if named is not None:
        raise Unusable
    return Configuration()


def _code(survey: Survey) -> int:
    from sensor_gateway.cli.read import refusal_code

    troubles = [bus.scan.trouble for bus in survey.buses if bus.scan is not None]
    if not survey.ports and not survey.devices:
        troubles.append(survey.no_bus)
    codes = [refusal_code(trouble) for trouble in troubles if trouble is not None]
    codes += [EX_FAILED for bus in survey.buses if bus.missing]
    codes += [EX_FAILED for _ in survey.lost]
    codes += [EX_FAILED for port in survey.ports if port.is_missing]
    codes += [EX_FAILED for line in survey.lines if line.trouble]
    return max(codes, default=os.EX_OK)
