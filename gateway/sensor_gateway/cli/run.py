"""``run``: the daemon."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import (
    Subparsers,
    Unusable,
    add_command,
    add_config,
    complain,
    config_file,
    point_at_an_example,
    say,
)

if TYPE_CHECKING:
    from sensor_gateway.model.clock import Clock
    from sensor_gateway.model.log import Log
    from sensor_gateway.service.configuration.last_good import LastGood
    from sensor_gateway.service.configuration.reading import ConfigurationSource, Reading

_ABOUT = """\
Reads the sensors, and delivers what changes to the broker, until SIGTERM or Ctrl-C.

A missing bus, chip or broker does not stop it, nor a driver that cannot be used: the log and the availability
topics say what is missing and what to do. Another instance on the same state directory does (exit code 75), and so
does a wrong configuration (78), unless an earlier one ran well: then that one is used, and the log says so;
--strict stops all the same.

SIGHUP makes it read its configuration anew. What did not change is not disturbed, and a wrong file changes nothing.

  sensor-gateway run --config my.yaml

The log goes to standard error: readable on a terminal, a line of JSON per event elsewhere; NO_COLOR is honoured.
"""

_UNSYNCED = (
    "events say so, and are corrected once it is; `clock.source` chooses who tells, `clock.hold` how long events wait"
)


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
    parser.add_argument(
        "--strict",
        action="store_true",
        help="end (78) on a wrong configuration, even where one that ran is kept",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until a signal; the exit code."""
    from sensor_gateway.outbox.files.locks import AlreadyRunning
    from sensor_gateway.service.assembly import assemble
    from sensor_gateway.service.configuration.last_good import LastGood
    from sensor_gateway.service.configuration.reading import ConfigurationSource
    from sensor_gateway.service.control.control import control_of
    from sensor_gateway.service.daemon import Daemon, note_hangups
    from sensor_gateway.service.directories import find_directories
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.reloading.reload import Reloader

    hangups = note_hangups()
    source = ConfigurationSource(config_file(arguments), os.environ)
    present = source.read()
    last_good = LastGood(find_directories(os.environ, state=arguments.state_directory, hot=None).state)
    is_usable = present.startable is not None and not (arguments.strict and present.faults)
    used = present if arguments.strict or is_usable else _kept(source, last_good) or present
    startable = None if arguments.strict and used.faults else used.startable
    if used is present:
        complain(present if startable is None else replace(present, faults=()))
    if startable is None:
        point_at_an_example(source.file)
        raise Unusable
    log, hot = open_log(), startable.configuration.outbox.hot_directory
    clock = _clock(startable.configuration.clock.source, log)
    directories = find_directories(os.environ, state=arguments.state_directory, hot=hot)
    try:
        gateway = assemble(startable, used.catalogue, directories=directories, environ=os.environ, clock=clock, log=log)
    except AlreadyRunning as error:
        say(f"sensor-gateway: {error}")
        return os.EX_TEMPFAIL
    reloader = Reloader(gateway, source, state_directory=directories.state, last_good=last_good, clock=clock, log=log)
    if used is present:
        reloader.began(present)
    else:
        reloader.fell_back(present.faults)
    control = control_of(gateway, os.environ, directories.state, clock=clock, log=log)
    del startable, used, present  # everything is built from it, and it takes half a kilobyte for each sensor
    return Daemon(gateway, clock=clock, log=log, reloader=reloader, control=control, hangups=hangups).run()


def _kept(source: ConfigurationSource, last_good: LastGood) -> Reading | None:
    """The last configuration that ran, if it is kept and still without a fault."""
    copies = last_good.read(source.file)
    reading = None if copies is None else source.read_copies(copies)
    return None if reading is None or reading.faults else reading


def _clock(source: str, log: Log) -> Clock:
    """The machine's clocks, as ``clock.source`` wants it; says so where the time is not known yet."""
    from sensor_gateway.model.reading import ClockState
    from sensor_gateway.service.system_clock import SystemClock
    from sensor_gateway.service.time_sources.choice import time_source

    clock = SystemClock(time_source(source), may_guess=source == "auto")
    if clock.stamp().clock is ClockState.UNSYNCED:
        log.warning("clock_not_set", source=source, why=clock.finding.why, mind=_UNSYNCED)
    return clock
