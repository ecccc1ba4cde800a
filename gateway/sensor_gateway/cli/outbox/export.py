"""``outbox export``: what waits, as lines of JSON."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from sensor_gateway.cli.arguments import Subparsers, add_command, say
from sensor_gateway.cli.outbox.entries import encoder_for
from sensor_gateway.cli.outbox.figures import events
from sensor_gateway.cli.outbox.memory import tell_of_memory
from sensor_gateway.cli.outbox.place import find_outbox

_ABOUT: Final = """\
Writes every event that waits, in order, one line of JSON each, exactly as it is stored, with a line for each gap.
Nothing is taken away. The file appears whole or not at all; a million events need no more memory than ten.

  sensor-gateway outbox export --output waiting.jsonl
  sensor-gateway outbox export --all | gzip > everything.jsonl.gz

Exit code 74 when the file cannot be written, or when it is not known what waits in memory: then only what lies on
flash is written.
"""


def add(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = add_command(subparsers, "export", summary="every event that waits, as lines of JSON", about=_ABOUT)
    parser.add_argument("--all", action="store_true", help="delivered events too, where they still lie on flash")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write (default: standard output)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write them; the exit code."""
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents

    inspected = find_outbox(arguments)
    waiting = WaitingEvents(lambda: take_snapshot(inspected), with_acknowledged=arguments.all)
    bodies = chain(map(encoder_for(waiting.snapshot), waiting), waiting.strays)
    if arguments.output is None:
        _write(bodies, sys.stdout.buffer)
        return tell_of_memory(waiting.snapshot)
    with _whole_or_nothing(arguments.output) as out:
        count = _write(bodies, out)
    say(f"{events(count)} written to {arguments.output}")
    return tell_of_memory(waiting.snapshot)


def _write(bodies: Iterable[bytes], out: BinaryIO) -> int:
    count = 0
    for count, body in enumerate(bodies, 1):  # noqa: B007
        out.write(body + b"\n")
    out.flush()
    return count


@contextmanager
def _whole_or_nothing(file: Path) -> Iterator[BinaryIO]:
    """A file that takes its place when all of it is on the medium. What is there and is no file is written through."""
    file = file.resolve()
    if file.exists() and not file.is_file():
        with file.open("wb") as out:
            yield out
        return
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with beside.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
