"""``outbox verify``: every record read, every damage explained."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import EX_FAILED, Subparsers, add_command
from sensor_gateway.cli.outbox.memory import tell_of_memory
from sensor_gateway.cli.outbox.place import find_outbox
from sensor_gateway.model.writing.figures import counted, events, size

if TYPE_CHECKING:
    from sensor_gateway.outbox.inspection.check import Report
    from sensor_gateway.outbox.inspection.damage import Damage

_ABOUT: Final = """\
Reads every record, and tells of each damage where it is, what is wrong, how many events it costs at most, and what
the daemon does about it: there is nothing to repair by hand, and no reason to delete the directory.

  sensor-gateway outbox verify
  sensor-gateway outbox verify --json | jq '.damage[] | [.file, .offset, .events]'

Exit code 1 when there is damage, 74 when it is not known what waits in memory, 0 when all is sound. While a daemon
runs, a record that is just being written is no damage.
"""

_PAUSE_S: Final = 0.3


def add(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = add_command(subparsers, "verify", summary="read every record, and explain every damage", about=_ABOUT)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Check; the exit code."""
    import threading

    from sensor_gateway.outbox.inspection.check import check
    from sensor_gateway.outbox.inspection.complaints import memory_complaint
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot

    inspected = find_outbox(arguments)
    report = check(lambda: take_snapshot(inspected), partial(threading.Event().wait, _PAUSE_S))
    snapshot = take_snapshot(inspected)
    if arguments.json:
        facts = {**_facts(report), "is_memory_known": memory_complaint(snapshot) is None}
        print(json.dumps(facts, ensure_ascii=False))
    else:
        for damage in report.damage:
            print(_line(damage))
        print(_summary(report))
    code = tell_of_memory(snapshot)
    return EX_FAILED if report.damage else code


def _line(damage: Damage) -> str:
    where = (
        f"{damage.file}: at byte {damage.offset:,}, {counted(damage.length, 'byte')}: "
        if damage.length
        else f"{damage.file or 'at the end'}: "
    )
    return f"{where}{damage.wrong}; {_cost(damage)}; {damage.then}"


def _cost(damage: Damage) -> str:
    if damage.lost:
        ranges = ", ".join(f"seq {lost.first} to {lost.last} of {lost.epoch}" for lost in damage.lost)
        return f"costs {events(damage.events or 0)}: {ranges}"
    if damage.is_least:
        return f"costs at least {events(damage.events or 0)}, how many more nobody can tell"
    if damage.events is None:
        return "what it held is not known"
    return f"costs at most {events(damage.events)}" if damage.events else "costs no event"


def _summary(report: Report) -> str:
    verdict = f"{len(report.damage)} damaged" if report.damage else "sound"
    segments, records = counted(report.segments, "segment"), counted(report.records, "record")
    return f"{verdict}: {segments}, {report.free} free, {records}, {events(report.events)}, {size(report.size)} read"


def _facts(report: Report) -> dict[str, object]:
    return {
        "is_sound": not report.damage,
        "segments": report.segments,
        "free_segments": report.free,
        "records": report.records,
        "events": report.events,
        "bytes": report.size,
        "damage": [
            {
                "file": damage.file,
                "offset": damage.offset,
                "length": damage.length,
                "wrong": str(damage.wrong),
                "events": damage.events,
                "is_at_least": damage.is_least,
                "lost": [
                    {"epoch": str(lost.epoch), "from_seq": lost.first, "to_seq": lost.last} for lost in damage.lost
                ],
                "then": damage.then,
            }
            for damage in report.damage
        ],
    }
