"""``demo``: see it work, an outage included."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from sensor_gateway.cli.arguments import Subparsers

_ABOUT = """\
Runs the whole gateway for about half a minute: simulated chips on an I2C bus and on a serial line through the real
drivers, a broker of its own on a loopback port (mosquitto where it is installed), and a subscriber that prints the
events as they arrive. After ten seconds the broker goes away for ten; then it comes back, and what was measured
meanwhile arrives. Exit code 0 only if nothing was lost.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "demo",
        help="watch it work for half a minute, an outage included; needs no hardware",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quiet", action="store_true", help="do not print each event")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play the demonstration; the exit code."""
    import tempfile
    from pathlib import Path

    from sensor_gateway.cli.event_line import event_line
    from sensor_gateway.service.demonstration import Demonstration
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.system_clock import SystemClock

    def show(line: str) -> None:
        print(line, flush=True)

    def show_event(event: dict[str, Any]) -> None:
        if not arguments.quiet:
            print(event_line(event), flush=True)

    with tempfile.TemporaryDirectory(prefix="sensor-gateway-demo-") as directory:
        demonstration = Demonstration(
            Path(directory), clock=SystemClock(), log=open_log(sys.stdout), show=show, show_event=show_event
        )
        result = demonstration.play()
    show("")
    show(f"events measured    {result.measured:6}")
    show(f"events delivered   {result.delivered:6}")
    show(f"duplicates         {result.duplicates:6}   (each with the id of its original)")
    show(f"lost               {result.lost:6}")
    show(f"{result.waited} events waited for the broker; {result.drain_s:.1f} s after its return none did any more")
    if result.lost or result.waited == 0:
        show("FAILED: " + ("events were lost" if result.lost else "nothing was measured while the broker was away"))
        return 1
    return os.EX_OK
