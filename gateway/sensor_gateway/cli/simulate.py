"""``simulate``: a configuration on chips in software, for trying it out and for a CI."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sensor_gateway.cli.arguments import Subparsers, Unusable, load_or_complain

_ABOUT = """\
Plays the configuration on chips in software that answer on the byte level, behind the real drivers and the real
change detection. No broker, secret or device is needed, and time is virtual: it takes a moment, whatever --for says.

Prints each event as a line of JSON. Exit code 0 when every published channel gave a value (or, with --expect,
when those named did), 1 when one did not, 78 when the configuration is wrong. In a CI:

  sensor-gateway simulate gateway.yaml --for 1h --expect attic.temperature > events.jsonl
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "simulate",
        help="try a configuration on simulated chips, without broker or hardware",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=Path, metavar="CONFIG")
    parser.add_argument("--for", dest="duration", default="20s", metavar="TIME", help="how long, like 20s, 5min, 1h")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="values over time, and faults to inject")
    parser.add_argument(
        "--expect", action="append", metavar="SENSOR.CHANNEL", help="a channel that must give a value; repeatable"
    )
    parser.add_argument("--real-time", action="store_true", help="as fast as the wall clock, not faster")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play; the exit code."""
    import threading
    import time

    from sensor_gateway.config.values.units import parse_duration
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.buses import load_scenario
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.rehearsal import Rehearsal, expected_channels

    try:
        seconds = parse_duration(arguments.duration)
    except ValueError as error:
        print(f"sensor-gateway simulate: --for {arguments.duration}: {error}", file=sys.stderr)
        return os.EX_USAGE
    catalogue = DriverCatalogue()
    try:
        configuration = load_or_complain(arguments.config, catalogue, needs_broker=False)
    except Unusable:
        return os.EX_CONFIG
    known = expected_channels(configuration)
    unknown = [name for name in arguments.expect or () if name not in known]
    if unknown:
        print(f"--expect {unknown[0]}: no such published channel; there are: {', '.join(known)}", file=sys.stderr)
        return os.EX_USAGE
    scenario = None if arguments.scenario is None else load_scenario(arguments.scenario)

    def write(event: bytes) -> None:
        sys.stdout.write(event.decode() + "\n")

    started_s, pause = time.monotonic(), threading.Event()

    def pace(moment_s: float) -> None:
        sys.stdout.flush()
        pause.wait(max(0.0, started_s + moment_s - time.monotonic()))

    rehearsal = Rehearsal(configuration, catalogue, scenario=scenario, log=open_log(level="error"), write=write)
    outcome = rehearsal.play(seconds, pace if arguments.real_time else None)
    sys.stdout.flush()
    missing = outcome.missing(arguments.expect or known)
    for name in missing:
        reason = outcome.complaints.get(name.partition(".")[0], "it was never due: simulate for longer")
        print(f"{name} gave no value in {arguments.duration}: {reason}", file=sys.stderr)
    if not known:
        print("no sensors yet: there is nothing to simulate", file=sys.stderr)
    return 1 if missing else os.EX_OK
