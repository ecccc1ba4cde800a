"""``reload``: have the running gateway read its configuration anew, and tell what came of it."""

from __future__ import annotations

import argparse
import os
from typing import Final

from sensor_gateway.cli.arguments import Subparsers, add_command, say
from sensor_gateway.cli.running.asking import add_place, ask_or_tell

_ABOUT: Final = """\
Has the running gateway read its configuration anew, and waits for what comes of it. What did not change is not
disturbed, and a wrong file changes nothing.

  sensor-gateway reload

Exit code 0 when the gateway runs by the file: what changed is printed, a line for each thing. 78 when it does not:
every fault is printed with its file, line and column, or what only a restart can change. 69 when no gateway answers,
75 when it starts, stops or reloads just now, 77 when you may not ask it.
"""

_WITHIN_S: Final = 40.0


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "reload", summary="have the running gateway read its file anew", about=_ABOUT)
    add_place(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask, wait and print; the exit code."""
    from sensor_gateway.publishing.fleet.fields import long_texts
    from sensor_gateway.service.reload_requests.answer import Outcome

    answer = ask_or_tell(arguments, "reload", _WITHIN_S)
    if isinstance(answer, int):
        return answer
    for note in long_texts(answer, "notes"):
        say(note)
    outcome = answer.get("outcome")
    if outcome in {Outcome.CHANGED, Outcome.UNCHANGED}:
        print("\n".join(long_texts(answer, "changes")) or "nothing changed")
        return os.EX_OK
    for problem in long_texts(answer, "problems"):
        say(problem)
    if outcome == Outcome.BUSY:
        return os.EX_TEMPFAIL
    say("sensor-gateway: the gateway goes on as it was")
    return os.EX_CONFIG
