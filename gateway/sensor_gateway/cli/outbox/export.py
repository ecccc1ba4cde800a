"""``outbox export``: what waits, as lines of JSON."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from sensor_gateway.cli.arguments import Subparsers, add_command, say
from sensor_gateway.cli.outbox.entries import encoder_for
from sensor_gateway.cli.outbox.memory import tell_of_memory
from sensor_gateway.cli.outbox.place import find_outbox
from sensor_gateway.model.writing.figures import counted, events

if TYPE_CHECKING:
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents

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
    parser.add_argument("--output", metavar="FILE", help="the file to write (default: standard output)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write them; the exit code."""
    from sensor_gateway.outbox.inspection.snapshot import take_snapshot
    from sensor_gateway.outbox.inspection.waiting import WaitingEvents

    inspected = find_outbox(arguments)
    waiting = WaitingEvents(lambda: take_snapshot(inspected), with_acknowledged=arguments.all)
    if arguments.output is None:
        _write(waiting, sys.stdout.buffer)
        return tell_of_memory(waiting.snapshot)
    try:
        with _whole_or_nothing(arguments.output) as out:
            count, gaps = _write(waiting, out)
    except _NotWrittenError as error:
        say(f"sensor-gateway: {arguments.output}: {error}")
        return os.EX_IOERR
    missing = f" and {counted(gaps, 'gap')}" if gaps else ""
    say(f"{events(count)}{missing} written to {arguments.output}")
    return tell_of_memory(waiting.snapshot)


_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""The system's numbers for what only writing can meet."""


class _NotWrittenError(Exception):
    """Why the file could not be written."""


def _write(waiting: WaitingEvents, out: BinaryIO) -> tuple[int, int]:
    """All entries; how many events and gaps they are."""
    from sensor_gateway.model.event import Gap

    encode, count, gaps = encoder_for(waiting.snapshot), 0, 0
    for entry in waiting:
        out.write(encode(entry) + b"\n")
        gaps += isinstance(entry, Gap)
        count += not isinstance(entry, Gap)
    for count, body in enumerate(waiting.strays, count + 1):  # noqa: B007, B020
        out.write(body + b"\n")
    out.flush()
    return count, gaps


@contextmanager
def _whole_or_nothing(name: str) -> Iterator[BinaryIO]:
    """A file that takes its place when all of it is on the medium. What is there and is no file is written through."""
    asked = Path(name)
    if asked.is_dir():
        raise _NotWrittenError("is a directory: name a file")
    if name.endswith("/") or not asked.resolve().parent.is_dir():
        raise _NotWrittenError("no such directory")
    if asked.exists() and not asked.is_file():
        with _told(asked), asked.open("wb") as out:
            yield out
        return
    file = asked.resolve()
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with _told(beside), beside.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        with _told(beside):
            beside.replace(file)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


@contextmanager
def _told(written: Path) -> Iterator[None]:
    """The system's reason, without the name of a file that nobody asked for; errors of other files pass."""
    try:
        yield
    except OSError as error:
        is_full = error.filename is None and error.errno in _FULL
        if not is_full and str(error.filename) != str(written):
            raise
        raise _NotWrittenError((error.strerror or str(error)).lower()) from error
