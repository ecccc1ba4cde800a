"""``outbox purge``: discards what waits, through the daemon where one runs."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import EX_FAILED, Subparsers, add_command, say, unknown_name
from sensor_gateway.cli.outbox.place import configuration_of, find_outbox
from sensor_gateway.model.writing.figures import events

if TYPE_CHECKING:
    from sensor_gateway.cli.outbox.discard import Chosen
    from sensor_gateway.outbox.inspection.snapshot import Snapshot

_ABOUT: Final = """\
Discards the events that wait, after asking. Subscribers get a gap with the cause `purge` in their place, and new
events go on behind it. A running daemon does it itself, within ten seconds; where none runs, the locks are taken. A
crash in the middle leaves all of them or none.

  sensor-gateway outbox purge --dry-run
  sensor-gateway outbox purge --before 2026-11-23T16:00:00Z --yes

Exit code 1 when the answer is no, 69 when the daemon does not do it within 30 s, 74 when the card cannot be written.
"""

_DESTINATION: Final = "mqtt"


def add(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = add_command(subparsers, "purge", summary="discard what waits; subscribers are told", about=_ABOUT)
    parser.add_argument("--before", type=_moment, metavar="TIME", help="only what was measured before (UTC, RFC 3339)")
    parser.add_argument(
        "--destination",
        default=_DESTINATION,
        metavar="NAME",
        help=f"whose: `{_DESTINATION}`, the default; of another one that was here only its cursor file is removed",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would go")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Discard; the exit code."""
    from sensor_gateway.cli.outbox.discard import discard
    from sensor_gateway.outbox.inspection.complaints import memory_complaint
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot

    inspected = find_outbox(arguments)
    snapshot = take_snapshot(inspected)
    if arguments.destination != _DESTINATION:
        return _forget(arguments, snapshot)
    complaint = memory_complaint(snapshot)
    if complaint is not None and snapshot.hot_path is None:
        say(f"only what is on flash is discarded: {complaint.text}")
    chosen = _choose(snapshot, arguments.before)
    if chosen is None:
        say("nothing waits that could be discarded")
        return os.EX_OK
    what = f"{events(chosen.count)}, measured from {chosen.oldest} to {chosen.newest}"
    answer = _answer(arguments, what)
    if answer is not None:
        return answer
    configuration = configuration_of(arguments)
    return discard(snapshot, chosen, configuration.gateway.id if configuration else None)


def _choose(snapshot: Snapshot, before: str | None) -> Chosen | None:
    from sensor_gateway.cli.outbox.discard import Chosen
    from sensor_gateway.model.event_json import time_of
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents
    from sensor_gateway.outbox.stored import Stored

    through, count, oldest, newest = None, 0, "", ""
    for entry in WaitingEvents(lambda: take_snapshot(snapshot.inspected)):
        if not isinstance(entry, Stored):
            continue
        time = time_of(entry.body)
        if before is not None and time >= before:
            break
        through, count = entry.position, count + 1
        oldest, newest = oldest or time, time
    return None if through is None else Chosen(through=through, count=count, oldest=oldest, newest=newest)


def _forget(arguments: argparse.Namespace, snapshot: Snapshot) -> int:
    """A destination that is not configured: the file that says how far it had got is removed, and no event."""
    cursors = {path.name.removeprefix("cursor-"): path for path in snapshot.directory.glob("cursor-*")}
    file = cursors.get(arguments.destination)
    if file is None:
        arguments.refuse(unknown_name("destination", arguments.destination, sorted({*cursors, _DESTINATION})))
        return os.EX_USAGE
    answer = _answer(arguments, f"the file {file}, and no event")
    if answer is not None:
        return answer
    try:
        file.unlink()
    except PermissionError:
        raise
    except OSError as error:
        say(f"sensor-gateway: {file} cannot be removed: {error.strerror}")
        return os.EX_IOERR
    print(f"{file} is removed")
    return os.EX_OK


def _answer(arguments: argparse.Namespace, what: str) -> int | None:
    """Ask, unless that was said; None for yes, else the exit code: wrong usage where there is nobody to ask."""
    if arguments.dry_run:
        print(f"{what}, would be discarded")
        return os.EX_OK
    what = f"{what}, will be discarded"
    if arguments.yes:
        say(what)
        return None
    if not sys.stdin.isatty():
        say(f"sensor-gateway: {what}: add --yes, since there is no terminal to ask on")
        return os.EX_USAGE
    say(f"{what}. Type yes to go on:")
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return None
    say("nothing was discarded")
    return EX_FAILED


def _moment(text: str) -> str:
    from datetime import UTC, datetime

    from sensor_gateway.model.event_json import rfc3339

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a time like 2026-11-23T16:00:00Z is expected, got {text!r}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return rfc3339(round(moment.timestamp() * 1000))
