"""``outbox status``: one screen."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import Subparsers, add_command
from sensor_gateway.cli.outbox.place import find_outbox
from sensor_gateway.model.writing.figures import counted, duration, events, size

if TYPE_CHECKING:
    from sensor_gateway.outbox.drops import Drop
    from sensor_gateway.outbox.inspection.owner import Owner
    from sensor_gateway.outbox.inspection.snapshot import Inspected
    from sensor_gateway.outbox.inspection.status import Flash, Status, Wear

_ABOUT: Final = """\
Tells how many events wait and since when, how long the room for them lasts, what is written to the card in a day at
most, what was dropped or put aside, and what is wrong. It reads the files alone, so a daemon is not disturbed.

  sensor-gateway outbox status
  sensor-gateway outbox status --json | jq .waiting.events
  sensor-gateway outbox status --check

How long there is room is judged by the limits of the configuration, and by the usual ones where none is named and there
is none in its usual place; it says so then.

With --check the exit code is 0 when all is well, 1 when something is amiss and nothing is lost by it yet (no daemon
runs, or the room lasts less than a day), 2 when events are lost or soon will be.
"""

_ENOUGH_DAYS: Final = 1.0
_BY_THE_USUAL: Final = "judged by the usual limits: --config FILE names those of the gateway"


def add(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = add_command(subparsers, "status", summary="how much waits, and for how long there is room", about=_ABOUT)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--check", action="store_true", help="one line, and an exit code of 0, 1 or 2")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print it; the exit code."""
    inspected = find_outbox(arguments)
    status = _status(inspected)
    if arguments.check:
        return _check(status, is_configured=inspected.is_configured)
    if arguments.json:
        print(json.dumps({**_facts(status), "is_configured": inspected.is_configured}, ensure_ascii=False))
    else:
        print("\n".join(_lines(status, is_configured=inspected.is_configured)))
    return os.EX_OK


def facts_of(inspected: Inspected) -> dict[str, object]:
    """What ``--json`` prints."""
    return {**_facts(_status(inspected)), "is_configured": inspected.is_configured}


def _status(inspected: Inspected) -> Status:
    from sensor_gateway.outbox.inspection.complaints import complaints_of
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.status import status_of

    snapshot = take_snapshot(inspected)
    return status_of(snapshot, time.time(), complaints_of(snapshot))


def _check(status: Status, *, is_configured: bool) -> int:
    """Print one line; the exit code."""
    from sensor_gateway.outbox.inspection.complaints import BAD

    amiss = [complaint.text for complaint in status.alarms]
    if status.owner.is_there is False:
        amiss.append("no daemon runs on it")
    days_left = status.flash.days_left
    is_gone = days_left is not None and days_left <= 0
    if is_gone:
        amiss.append("no room is left")
    elif days_left is not None and days_left < _ENOUGH_DAYS:
        amiss.append(f"the room lasts {duration(days_left * 86_400)}")
    is_bad = is_gone or any(complaint.name in BAD for complaint in status.complaints)
    code = 2 if is_bad else 1 if amiss else 0
    by = [] if is_configured else [_BY_THE_USUAL]
    verb = "waits" if status.waiting == 1 else "wait"
    print("; ".join([f"{('well', 'degraded', 'bad')[code]}: {events(status.waiting)} {verb}", *amiss, *by]))
    return code


def _lines(status: Status, *, is_configured: bool) -> Iterator[str]:
    flash, wear, kept = status.flash, status.wear, status.kept
    yield f"outbox      {status.directory}"
    yield f"owner       {_owner(status.owner)}"
    yield f"epoch       {status.epoch or 'none yet'}"
    in_memory = f"{status.in_memory:,} in memory" if status.is_memory_known else "what is in memory is not known"
    at_least = "" if status.is_memory_known else "at least "
    yield f"waiting     {at_least}{events(status.waiting)}: {in_memory}, {status.on_flash:,} on flash"
    if status.oldest:
        yield f"            measured from {status.oldest} to {status.newest or status.oldest}"
    yield (
        f"flash       {size(flash.waiting)} wait in {size(flash.allocated)} of files, {size(flash.max_size)} at most; "
        f"{size(flash.free)} free on the disk"
    )
    yield f"room        {room_of(flash)}"
    if not is_configured:
        yield f"            {_BY_THE_USUAL}"
    rate = "" if wear.per_day is None else f", at most {size(wear.per_day)} a day"
    yield (
        f"card        at most {size(wear.at_most - wear.made_ready)} written by the outbox in {duration(wear.over_s)}"
        f"{rate}; {size(wear.made_ready)} once to make its files ready"
    )
    for drop in status.drops:
        yield f"dropped     {_drop(drop)}"
    if kept.refused_events or kept.pieces:
        pieces = counted(kept.pieces, "damaged piece")
        yield (
            f"put aside   {events(kept.refused_events)} that the broker refused, {pieces} "
            f"({size(kept.piece_bytes)}) in quarantine/"
        )
    for note in status.notes:
        yield f"note        {note.text}"
    for alarm in status.alarms:
        yield f"alarm       {alarm.text}"
    if not status.alarms:
        yield "alarm       none"


def _owner(owner: Owner) -> str:
    if owner.is_there is None:
        return "not known: /proc/locks cannot be read"
    if not owner.is_there:
        return "nobody: no daemon runs on it"
    return "a daemon" if owner.pid is None else f"process {owner.pid}"


def room_of(flash: Flash) -> str:
    """How much room there is, and how long it lasts as far as that can be told."""
    if flash.growth_per_day is None or flash.days_left is None:
        return f"{size(flash.room)}; too little waits on flash to tell how long it lasts"
    lasts_s = flash.days_left * 86_400
    lasting = f"{size(flash.room)}; by size, lasts {duration(lasts_s)} at {size(flash.growth_per_day)} a day"
    if flash.max_age_s >= lasts_s:
        return lasting
    return f"{lasting}; what is older than {duration(flash.max_age_s)} (max_age) may go sooner"


def _drop(drop: Drop) -> str:
    from sensor_gateway.model.event_json import rfc3339

    times = f"{rfc3339(drop.from_ms)} to {rfc3339(drop.to_ms)}"
    return f"{events(drop.count)} of {drop.epoch}, seq {drop.first} to {drop.last}, {times}: {drop.cause}"


def _facts(status: Status) -> dict[str, object]:
    return {
        "directory": str(status.directory),
        "hot_journal": None if status.hot_path is None else str(status.hot_path),
        "is_memory_known": status.is_memory_known,
        "owner": {"is_running": status.owner.is_there, "pid": status.owner.pid},
        "epoch": None if status.epoch is None else str(status.epoch),
        "waiting": {
            "events": status.waiting,
            "in_memory": status.in_memory,
            "on_flash": status.on_flash,
            "of_another_journal": status.strays,
            "oldest": status.oldest or None,
            "newest": status.newest or None,
        },
        "flash": _flash_facts(status.flash),
        "written": _wear_facts(status.wear),
        "drops": [_drop_facts(drop) for drop in status.drops],
        "quarantine": {
            "refused_events": status.kept.refused_events,
            "pieces": status.kept.pieces,
            "bytes": status.kept.piece_bytes,
        },
        "alarms": [{"name": one.name, "text": one.text} for one in status.alarms],
        "notes": [{"name": one.name, "text": one.text} for one in status.notes],
    }


def _flash_facts(flash: Flash) -> dict[str, object]:
    return {
        "waiting_bytes": flash.waiting,
        "allocated_bytes": flash.allocated,
        "max_size_bytes": flash.max_size,
        "keep_free_bytes": flash.keep_free,
        "free_bytes": flash.free,
        "room_bytes": flash.room,
        "max_age_seconds": flash.max_age_s,
        "growth_bytes_per_day": _whole(flash.growth_per_day),
        "days_left": None if flash.days_left is None else round(flash.days_left, 2),
    }


def _wear_facts(wear: Wear) -> dict[str, object]:
    return {
        "outbox_bytes_at_most": wear.at_most,
        "made_ready_bytes": wear.made_ready,
        "outbox_seconds": round(wear.over_s),
        "outbox_bytes_per_day_at_most": _whole(wear.per_day),
    }


def _drop_facts(drop: Drop) -> dict[str, object]:
    from sensor_gateway.model.event_json import rfc3339

    return {
        "epoch": str(drop.epoch),
        "from_seq": drop.first,
        "to_seq": drop.last,
        "count": drop.count,
        "cause": str(drop.cause),
        "from_time": rfc3339(drop.from_ms),
        "to_time": rfc3339(drop.to_ms),
    }


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
