"""``run``: the daemon."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sensor_gateway.cli.arguments import Subparsers, Unusable, add_config, load_or_complain

_ABOUT = """\
Reads the sensors, and delivers what changes to the broker, until SIGTERM or Ctrl-C.

A missing bus, chip or broker does not stop it: the log and the availability topics say what is missing and what
to do. Only a wrong configuration (exit code 78) and another instance on the same state directory (75) do.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "run", help="run the daemon", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config(parser)
    parser.add_argument(
        "--state-directory",
        type=Path,
        metavar="DIR",
        help="what must survive a reboot (default $STATE_DIRECTORY, else ~/.local/state/sensor-gateway)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until a signal; the exit code."""
    from sensor_gateway.outbox.files.locks import AlreadyRunning
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.assembly import assemble
    from sensor_gateway.service.daemon import Daemon
    from sensor_gateway.service.directories import find_directories
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.system_clock import SystemClock

    catalogue = DriverCatalogue()
    try:
        configuration = load_or_complain(arguments.config, catalogue, needs_broker=True, with_secrets=True)
    except Unusable:
        return os.EX_CONFIG
    clock, log = SystemClock(), open_log()
    directories = find_directories(os.environ, state=arguments.state_directory, hot=configuration.outbox.hot_directory)
    try:
        gateway = assemble(configuration, catalogue, directories=directories, environ=os.environ, clock=clock, log=log)
    except AlreadyRunning as error:
        print(f"sensor-gateway: {error}", file=sys.stderr)
        return os.EX_TEMPFAIL
    return Daemon(gateway, clock=clock, log=log).run()
