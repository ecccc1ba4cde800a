"""``run``: the daemon."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sensor_gateway.cli.arguments import Subparsers, add_command, add_config, config_file, load_startable, say

_ABOUT = """\
Reads the sensors, and delivers what changes to the broker, until SIGTERM or Ctrl-C.

A missing bus, chip or broker does not stop it, nor a driver that cannot be used: the log and the availability
topics say what is missing and what to do. Only a wrong configuration (exit code 78) and another instance on the same
state directory (75) do.

  sensor-gateway run --config my.yaml

The log goes to standard error: readable on a terminal, a line of JSON per event elsewhere; NO_COLOR is honoured.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "run", summary="run the daemon", about=_ABOUT)
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
    startable = load_startable(config_file(arguments), catalogue, needs_broker=True, with_secrets=True)
    hot = startable.configuration.outbox.hot_directory
    clock, log = SystemClock(), open_log()
    directories = find_directories(os.environ, state=arguments.state_directory, hot=hot)
    try:
        gateway = assemble(startable, catalogue, directories=directories, environ=os.environ, clock=clock, log=log)
        del startable  # everything is built from it, and it takes half a kilobyte for each sensor
    except AlreadyRunning as error:
        say(f"sensor-gateway: {error}")
        return os.EX_TEMPFAIL
    return Daemon(gateway, clock=clock, log=log).run()
