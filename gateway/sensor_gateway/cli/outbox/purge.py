"""``outbox purge``: discards what waits, through the daemon where one runs."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import EX_FAILED, Subparsers, add_command, say, unknown_name
from sensor_gateway.cli.outbox.figures import events
from sensor_gateway.cli.outbox.place import configuration_of, find_outbox

if TYPE_CHECKING:
    from sensor_gateway.model.position import Position
    from sensor_gateway.outbox.inspection.snapshot import Inspected, Snapshot
    from sensor_gateway.outbox.purge_request import PurgeRequest

_ABOUT: Final = """\
Discards the events that wait, after asking. Subscribers get a gap with the cause `purge` in their place, and new
events go on behind it. A running daemon does it itself, within ten seconds; where none runs, the locks are taken. A
crash in the middle leaves all of them or none.

  sensor-gateway outbox purge
  sensor-gateway outbox purge --before 2026-11-23T16:00:00Z --yes

Exit code 1 when the answer is no, 69 when the daemon does not do it within 30 s, 74 when the card cannot be written.
"""

_DESTINATION: Final = "mqtt"
_WITHIN_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.2
_MOST_TURNS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """What is to be discarded: so many events, measured between these times, through a position."""

    through: Position
    count: int
    oldest: str
    newest: str


def add(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = add_command(subparsers, "purge", summary="discard what waits; subscribers are told", about=_ABOUT)
    parser.add_argument("--before", type=_moment, metavar="TIME", help="only what was measured before (UTC, RFC 3339)")
    parser.add_argument(
        "--destination",
        default=_DESTINATION,
        metavar="NAME",
        help=f"whose: `{_DESTINATION}`, the default, or one that left the configuration, whose cursor is removed",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Discard; the exit code."""
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot

    inspected = find_outbox(arguments)
    snapshot = take_snapshot(inspected)
    if arguments.destination != _DESTINATION:
        return _forget(arguments, snapshot)
    if snapshot.hot_path is None:
        say("what waits in memory stays: it is not known where that is (--hot-dir)")
    chosen = _choose(snapshot, arguments.before)
    if chosen is None:
        say("nothing waits that could be discarded")
        return os.EX_OK
    what = f"{events(chosen.count)}, measured from {chosen.oldest} to {chosen.newest}"
    if not _is_wanted(arguments, f"{what}, will be discarded"):
        return EX_FAILED
    _become_the_owner_of(snapshot.directory)
    return _carry_out(arguments, inspected, snapshot, chosen)


def _choose(snapshot: Snapshot, before: str | None) -> _Chosen | None:
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents, time_of
    from sensor_gateway.outbox.stored import Stored

    chosen: _Chosen | None = None
    through, count, oldest, newest = None, 0, "", ""
    for entry in WaitingEvents(lambda: take_snapshot(snapshot.inspected)):
        if not isinstance(entry, Stored):
            continue
        time = time_of(entry.body)
        if before is not None and time >= before:
            break
        through, count = entry.position, count + 1
        oldest, newest = oldest or time, time
    if through is not None:
        chosen = _Chosen(through=through, count=count, oldest=oldest, newest=newest)
    return chosen


def _carry_out(arguments: argparse.Namespace, inspected: Inspected, snapshot: Snapshot, chosen: _Chosen) -> int:
    """Leave a request, and have it done: by the daemon, or by an outbox that is opened here where there is none."""
    from sensor_gateway.outbox.files.disk import Disk
    from sensor_gateway.outbox.files.locks import AlreadyRunning
    from sensor_gateway.outbox.purge_request import NAME, write_request

    file = snapshot.directory / NAME
    write_request(Disk(), snapshot.directory, _request(chosen.through))
    try:
        try:
            turn, end = _owner(arguments, inspected)
        except AlreadyRunning:
            return _verdict(chosen, snapshot, is_taken=_wait_for_the_daemon(file))
        try:
            for _ in range(_MOST_TURNS):
                if not turn() or not file.exists():
                    break
            turn()
        finally:
            end()
        return _verdict(chosen, snapshot, is_taken=not file.exists())
    finally:
        file.unlink(missing_ok=True)  # whoever gives up takes the request back


def _owner(arguments: argparse.Namespace, inspected: Inspected) -> tuple[Callable[[], bool], Callable[[], None]]:
    """An outbox of our own: its turn, which says whether the card works, and its end. AlreadyRunning."""
    from sensor_gateway.outbox.files.disk import Disk
    from sensor_gateway.outbox.files.syncer import SyncerInPlace
    from sensor_gateway.outbox.identity import Machine
    from sensor_gateway.outbox.opening import Hands
    from sensor_gateway.outbox.outbox import Outbox
    from sensor_gateway.service.identity import keep_gateway_id, read_machine
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.system_clock import SystemClock

    disk, log, places = Disk(), open_log(level="error"), inspected.places
    configuration = configuration_of(arguments)
    configured = configuration.gateway.id if configuration else None
    box = Outbox.open(
        state_directory=places.state_directory,
        hot_directory=places.hot_directory,
        gateway=configured or keep_gateway_id(places.state_directory, log),
        settings=inspected.settings,
        clock=SystemClock(),
        machine=Machine(boot_id=read_machine(os.environ).boot_id, hardware_id=""),  # the daemon judges the hardware
        log=log,
        hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
    )

    def turn() -> bool:
        box.tend()
        return "outbox_flash" not in box.alarms

    return turn, lambda: box.close(to_flash=False)


def _wait_for_the_daemon(file: Path) -> bool:
    """Whether the request was taken in time."""
    import threading

    say(f"asked the daemon; waiting for it up to {_WITHIN_S:.0f} s")
    pause = threading.Event().wait
    for _ in range(round(_WITHIN_S / _LOOK_EVERY_S)):
        if not file.exists():
            return True
        pause(_LOOK_EVERY_S)
    return False


def _verdict(chosen: _Chosen, snapshot: Snapshot, *, is_taken: bool) -> int:
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents
    from sensor_gateway.outbox.stored import Stored

    waiting = WaitingEvents(lambda: take_snapshot(snapshot.inspected))
    first = next((entry for entry in waiting if isinstance(entry, Stored)), None)
    if first is None or first.position > chosen.through:
        print(f"{events(chosen.count)} discarded, but for those that were delivered meanwhile")
        return os.EX_OK
    if is_taken:
        say("sensor-gateway: the request was refused; the daemon's log says why (purge_request_removed)")
        return os.EX_UNAVAILABLE
    if waiting.snapshot.owner.is_there is False:
        say(f"sensor-gateway: nothing was discarded: {snapshot.directory} cannot be written")
        return os.EX_IOERR
    say("sensor-gateway: nothing was discarded: the daemon did not do it in time; the request is taken back")
    return os.EX_UNAVAILABLE


def _forget(arguments: argparse.Namespace, snapshot: Snapshot) -> int:
    """A destination that left the configuration: what it had not got is not kept for it any more."""
    cursors = {path.name.removeprefix("cursor-"): path for path in snapshot.directory.glob("cursor-*")}
    file = cursors.get(arguments.destination)
    if file is None:
        arguments.refuse(unknown_name("destination", arguments.destination, sorted({*cursors, _DESTINATION})))
        return os.EX_USAGE
    if not _is_wanted(arguments, f"what waits for {arguments.destination} alone will be discarded"):
        return EX_FAILED
    file.unlink()
    print(f"{arguments.destination} is forgotten")
    return os.EX_OK


def _request(through: Position) -> PurgeRequest:
    import secrets

    from sensor_gateway.model.reading import ClockState
    from sensor_gateway.outbox.files.moment import Moment
    from sensor_gateway.outbox.purge_request import PurgeRequest
    from sensor_gateway.service.identity import read_machine
    from sensor_gateway.service.system_clock import SystemClock

    stamp = SystemClock().stamp()
    asked = Moment(
        boot=int(read_machine(os.environ).boot, 16),
        uptime_ms=stamp.uptime_ms,
        wall_ms=stamp.wall_ms,
        is_unsynced=stamp.clock is ClockState.UNSYNCED,
    )
    return PurgeRequest(nonce=secrets.token_hex(8), through=through, asked=asked, by=_person())


def _person() -> str:
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    return os.environ.get("SUDO_USER") or name


def _is_wanted(arguments: argparse.Namespace, what: str) -> bool:
    """Ask, unless that was said; wrong usage where there is nobody to ask."""
    if arguments.yes:
        say(what)
        return True
    if not sys.stdin.isatty():
        arguments.refuse(f"{what}: say --yes, since there is no terminal to ask on")
    say(f"{what}. Type yes to go on:")
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    say("nothing was discarded")
    return False


def _become_the_owner_of(directory: Path) -> None:
    """Root works as the user of the directory: what root wrote, the daemon could not read."""
    status = directory.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        os.setgroups([])
        os.setegid(status.st_gid)
        os.seteuid(status.st_uid)


def _moment(text: str) -> str:
    from datetime import UTC, datetime

    from sensor_gateway.model.event_json import rfc3339

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a time like 2026-11-23T16:00:00Z is expected, got {text!r}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return rfc3339(round(moment.timestamp() * 1000))
