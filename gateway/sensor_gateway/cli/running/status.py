"""``status``: how the gateway on this machine is."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from typing import Final

from sensor_gateway.cli.arguments import Subparsers, add_command
from sensor_gateway.cli.running.asking import add_place, ask_or_tell

_ABOUT: Final = """\
Asks the running gateway how it is, and prints it on one screen: one sentence that says whether all is well, then
sensors, buses, the connection, what waits and how long there is room, the clock, and what does not work.

  sensor-gateway status
  sensor-gateway status --json | jq .lost_total
  sensor-gateway status --check

--json prints the message of the health topic, whole; docs/health.md tells what each key means.

With --check it is one line, and the exit code is 0 when all is well, 1 when it is degraded (a sensor is not online,
there is no connection, events wait for long, the clock is not set), 2 when it is bad (events are lost or soon will be,
a bus is not read, or all sensors are offline). Exit code 69 when no gateway answers, 77 when you may not ask it.
"""

_WITHIN_S: Final = 10.0
_USUAL_WIDTH: Final = 100


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "status", summary="how the gateway on this machine is", about=_ABOUT)
    add_place(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the message of the health topic")
    form.add_argument("--check", action="store_true", help="one line, and an exit code of 0, 1 or 2")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask and print; the exit code."""
    from sensor_gateway.cli.running.page import page
    from sensor_gateway.cli.running.verdict import verdict_of
    from sensor_gateway.publishing.fleet.fields import inner

    answer = ask_or_tell(arguments, "status", _WITHIN_S)
    if isinstance(answer, int):
        return answer
    health = inner(answer, "health")
    if arguments.json:
        print(json.dumps(health, ensure_ascii=False))
        return os.EX_OK
    judged = verdict_of(answer, datetime.now(UTC))
    if arguments.check:
        print(judged.line)
        return int(judged.verdict)
    is_terminal = sys.stdout.isatty()
    size = shutil.get_terminal_size((_USUAL_WIDTH, 0))
    lines = page(judged, health, width=size.columns, height=size.lines if is_terminal else None)
    if is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        lines[0] = f"\033[1;{_COLOURS[judged.verdict]}m{lines[0]}\033[0m"
    print("\n".join(lines))
    return os.EX_OK


_COLOURS: Final = (32, 33, 31)
"""Green, yellow and red, by verdict; the sentence says it too."""
