"""``outbox``: its subcommands, and what all of them do about a directory that is not there or not ours."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import Final

from sensor_gateway.cli.arguments import Subparsers, add_command, say
from sensor_gateway.cli.outbox import export, peek, purge, status, verify
from sensor_gateway.cli.outbox.place import NoOutbox, add_place, say_who_may

_ABOUT: Final = """\
Shows what waits for the broker, and what is wrong with it, while the daemon runs or after it has died. Only `purge`
changes anything.

  sensor-gateway outbox status
  sensor-gateway outbox export --output waiting.jsonl

Exit code 66 when there is no outbox in the directory, 77 when it may not be read (the group is named).
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "outbox", summary="see, check, save or discard what waits", about=_ABOUT)
    commands = parser.add_subparsers(dest="outbox_command", metavar="COMMAND", required=True)
    for command in (status, peek, verify, export, purge):
        added = command.add(commands)
        add_place(added)
        added.set_defaults(run=partial(_run, command.run))


def _run(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    try:
        return run(arguments)
    except NoOutbox as error:
        say(f"sensor-gateway: {error}")
        return os.EX_NOINPUT
    except PermissionError as error:
        say_who_may(error)
        return os.EX_NOPERM
