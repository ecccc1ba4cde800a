"""``outbox peek``: what would be delivered next."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import Subparsers, add_command, say
from sensor_gateway.cli.outbox.entries import encoder_for
from sensor_gateway.cli.outbox.memory import tell_of_memory
from sensor_gateway.cli.outbox.place import find_outbox

if TYPE_CHECKING:
    from sensor_gateway.model.event import Gap
    from sensor_gateway.outbox.stored import Stored

_ABOUT: Final = """\
Prints the next events that wait, in the order in which they would be delivered. Where events are missing, the gap
stands in their place. Nothing is taken away.

  sensor-gateway outbox peek
  sensor-gateway outbox peek 100 --json | jq -c '[.time, .sensor, .value]'
"""


def add(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = add_command(subparsers, "peek", summary="the next events that wait", about=_ABOUT)
    parser.add_argument(
        "count", nargs="?", type=_count, default=10, metavar="N", help="how many; gaps are not counted (default 10)"
    )
    parser.add_argument("--json", action="store_true", help="each as one line of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print them; the exit code."""
    from sensor_gateway.cli.event_line import event_line, json_line
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents

    inspected = find_outbox(arguments)
    waiting = WaitingEvents(lambda: take_snapshot(inspected))
    encode = encoder_for(waiting.snapshot)
    is_empty = True
    for body in _first(arguments.count, waiting, waiting.strays, encode):
        is_empty = False
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            event = body.decode(errors="replace")
        print(json_line(event) if arguments.json else event_line(event))
    if is_empty and arguments.count:
        say("nothing waits")
    tell_of_memory(waiting.snapshot)
    return os.EX_OK


def _first(
    count: int, entries: Iterable[Stored | Gap], strays: Iterable[bytes], encode: Callable[[Stored | Gap], bytes]
) -> Iterator[bytes]:
    """So many events, and the gaps before them."""
    from sensor_gateway.model.event import Gap

    if not count:
        return
    for entry in entries:
        yield encode(entry)
        count -= not isinstance(entry, Gap)
        if not count:
            return
    yield from islice(strays, count)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a number of events is expected, got {text!r}")
    return int(text)
