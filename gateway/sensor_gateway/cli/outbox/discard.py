"""Has a purge done: by the daemon that owns the outbox, or by an outbox opened here where there is none.

All that is needed is imported before root becomes the directory's user, who may not read where root's Python lies.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.cli.arguments import say
from sensor_gateway.model.position import Position
from sensor_gateway.model.reading import ClockState
from sensor_gateway.model.writing.figures import events
from sensor_gateway.outbox.files.disk import Disk, is_there
from sensor_gateway.outbox.files.locks import AlreadyRunning
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.inspection.snapshot import Inspected, Snapshot, take_snapshot
from sensor_gateway.outbox.inspection.waiting import WaitingEvents
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.purge_request import PurgeRequest, write_request
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.service.identity import keep_gateway_id, read_machine
from sensor_gateway.service.logs import open_log
from sensor_gateway.service.ownership import person
from sensor_gateway.service.system_clock import SystemClock

WITHIN_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.2
_MOST_TURNS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is to be discarded: so many events, measured between these times, through a position."""

    through: Position
    count: int
    oldest: str
    newest: str


def discard(snapshot: Snapshot, chosen: Chosen, gateway: str | None) -> int:
    """Leave a request, and have it done: by the daemon, or by an outbox that is opened here where there is none."""
    _become_the_owner_of(snapshot.directory)
    disk, directory = Disk(), snapshot.directory
    try:
        file = write_request(disk, directory, _request(chosen.through))
    except PermissionError:
        raise
    except OSError as error:
        say(f"sensor-gateway: nothing was discarded: {directory} takes not even an empty file: {error.strerror}")
        return os.EX_IOERR

    def is_taken() -> bool:
        return not is_there(disk, file)

    try:
        try:
            turn, end = _owner(snapshot.inspected, gateway)
        except AlreadyRunning:
            return _verdict(chosen, snapshot, is_taken=_wait_for_the_daemon(is_taken))
        try:
            for _ in range(_MOST_TURNS):
                if not turn() or is_taken():
                    break
            turn()
        finally:
            end()
        return _verdict(chosen, snapshot, is_taken=is_taken())
    finally:
        disk.unlink(file)  # whoever gives up


def _owner(inspected: Inspected, gateway: str | None) -> tuple[Callable[[], bool], Callable[[], None]]:
    """An outbox of our own: its turn, which says whether the card works, and its end. AlreadyRunning."""
    disk, log, places = Disk(), open_log(level="error"), inspected.places
    hot = places.hot_directory
    box = Outbox.open(
        state_directory=places.state_directory,
        hot_directory=hot if hot is not None and hot.is_dir() else None,  # where there is none, nothing is in it
        gateway=gateway or keep_gateway_id(places.state_directory, log),
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


def _wait_for_the_daemon(is_taken: Callable[[], bool]) -> bool:
    """Whether the request was taken in time."""
    say(f"asked the daemon; waiting for it up to {WITHIN_S:.0f} s")
    pause = threading.Event().wait
    for _ in range(round(WITHIN_S / _LOOK_EVERY_S)):
        if is_taken():
            return True
        pause(_LOOK_EVERY_S)
    return False


def _verdict(chosen: Chosen, snapshot: Snapshot, *, is_taken: bool) -> int:
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


def _request(through: Position) -> PurgeRequest:
    stamp = SystemClock().stamp()
    asked = Moment(
        boot=int(read_machine(os.environ).boot, 16),
        uptime_ms=stamp.uptime_ms,
        wall_ms=stamp.wall_ms,
        is_unsynced=stamp.clock is ClockState.UNSYNCED,
    )
    return PurgeRequest(nonce=secrets.token_hex(8), through=through, asked=asked, by=person())


def _become_the_owner_of(directory: Path) -> None:
    """Root works as the user of the directory: what root wrote, the daemon could not read."""
    status = directory.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        os.setgroups([])
        os.setegid(status.st_gid)
        os.seteuid(status.st_uid)
