"""What is noted of a life, as bytes and back. Pure. Bytes that are damaged are no note."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.vitals.past import Ending, Past, Recalled

MOST_BYTES: Final = 64_000
MOST_SENSORS: Final = 500
LONGEST_REASON: Final = 200
_LONGEST_NAME: Final = 64
_MOST: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A life of the program. ``ended`` is None while it lasts, and for ever where it found no time to say more."""

    boot: str
    starts: int
    starts_this_boot: int
    ended: Ending | None
    reason: str
    noted: Rfc3339
    failures: Mapping[str, int]


def recalled(note: Note | None, boot: str) -> Recalled:
    """What a life that begins in ``boot`` knows of those before it."""
    if note is None:
        return Recalled()
    is_same = note.boot == boot
    is_foreseen = note.ended is Ending.WATCHDOG  # which ends a life within the boot, or did not come to it
    if is_foreseen and not is_same:
        note = replace(note, ended=None, reason="")
    past = Past(
        starts=note.starts + 1,
        starts_this_boot=note.starts_this_boot + 1 if is_same else 1,
        ended=note.ended or (Ending.KILLED if is_same else Ending.MACHINE),
        reason=note.reason,
        noted=note.noted,
    )
    return Recalled(past=past, failures=note.failures)


def packed(note: Note) -> bytes:
    """One line of JSON, behind its checksum. Of too many sensors, those with the fewest failures are left out."""
    most = sorted(note.failures.items(), key=lambda one: -one[1])[:MOST_SENSORS]
    facts = {
        "boot": note.boot,
        "starts": note.starts,
        "starts_this_boot": note.starts_this_boot,
        "ended": note.ended,
        "reason": note.reason[:LONGEST_REASON],
        "noted": note.noted,
        "failures": {name[:_LONGEST_NAME]: count for name, count in most},
    }
    line = json.dumps(facts, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(line), line)


def unpacked(data: bytes) -> Note | None:
    """The note in a file; None where there is none that could be trusted."""
    checksum, _, line = data.removesuffix(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(line):
        return None
    try:
        facts = json.loads(line)
        return Note(
            boot=_text(facts["boot"]),
            starts=_count(facts["starts"]),
            starts_this_boot=_count(facts["starts_this_boot"]),
            ended=None if facts["ended"] is None else Ending(facts["ended"]),
            reason=_text(facts["reason"]),
            noted=Rfc3339(_text(facts["noted"])),
            failures={name: _count(count) for name, count in facts["failures"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _text(found: object) -> str:
    if not isinstance(found, str) or len(found) > LONGEST_REASON:
        raise ValueError("no text of ours")
    return found


def _count(found: object) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= _MOST:
        raise ValueError("no count of ours")
    return found
