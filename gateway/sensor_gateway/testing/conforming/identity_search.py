"""Which answers a driver takes for its chip: tried out, so that ``setup`` and ``measure`` of a careful driver are seen.

Each read of ``identify`` gets answers one after the other until the driver asks on: zeros, what it says that it
expected, pieces of its vectors, each byte. A driver that looks at several answers at once says what they should be, or
keeps its secret, and nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.model.operations import Operation, Read, WriteRead

MOST_READS: Final = 40
_HEX: Final = re.compile(r"\b(?:[0-9a-f]{2})+\b", re.IGNORECASE)

Steps: TypeAlias = Generator[Operation, bytes, object]
Answers: TypeAlias = tuple[bytes, ...]


def accepted_identity(identify: Callable[[], Steps], pieces: Sequence[bytes]) -> Answers | None:
    """The answers, read by read, to which ``identify`` of a new driver returns; None where none were found."""
    known: Answers = ()
    while len(known) <= MOST_READS:
        count, refusal = _asked(identify(), known)
        if refusal is not None:
            return None
        if count is None:
            return known
        found = _accepted(identify, known, count, pieces)
        longer = (*known, found) if found is not None else _together(identify, known, count)
        if longer is None:
            return None
        known = longer
    return None


def _accepted(identify: Callable[[], Steps], known: Answers, count: int, pieces: Sequence[bytes]) -> bytes | None:
    """What the read after the known answers may bring, so that the driver goes on."""
    tried: set[bytes] = set()
    waiting = [*_plain(count, pieces), b"\x00" * count]
    while waiting:
        candidate = waiting.pop()
        if candidate in tried:
            continue
        tried.add(candidate)
        refusal = _asked(identify(), (*known, candidate))[1]
        if refusal is None:
            return candidate
        waiting.extend(_named(count, getattr(refusal, "expected", None)))
    return None


def _together(identify: Callable[[], Steps], known: Answers, count: int) -> Answers | None:
    """All answers so far and one more, where they are looked at together: as expected, or the same one read twice."""
    refusal = _asked(identify(), (*known, b"\x00" * count))[1]
    spread = _spread([*map(len, known), count], refusal)
    twice = [(*known[:-1], one, one) for one in _plain(count, ()) if known and len(known[-1]) == count]
    return next((answers for answers in (spread, *twice) if _asked(identify(), answers)[1] is None), None)


def _asked(steps: Steps, known: Answers) -> tuple[int | None, MeasurementError | None]:
    """How many bytes the read after the known answers asks for (None: the driver is content), or how it refused."""
    answers = iter(known)
    with suppress(StopIteration):
        operation = next(steps)
        while True:
            answer: bytes | None = b""
            if isinstance(operation, (Read, WriteRead)):
                answer = next(answers, None)
                if answer is None:
                    return operation.count, None
            try:
                operation = steps.send(answer or b"")
            except MeasurementError as refusal:
                return None, refusal
    return None, None


def _spread(counts: Sequence[int], refusal: MeasurementError | None) -> Answers:
    """What a driver says that it expected of several reads, read by read."""
    named, answers = _expected(getattr(refusal, "expected", None)), []
    for count in counts:
        answers.append(named[:count].ljust(count, b"\x00"))
        named = named[count:]
    return tuple(answers)


def _plain(count: int, pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Tried from the last to the first."""
    for byte in range(256):
        yield bytes((byte,)) * count
        yield bytes((byte,)).rjust(count, b"\x00")
        yield bytes((byte,)).ljust(count, b"\x00")
    yield from (piece for piece in pieces if len(piece) == count)
    yield from _checked(count, b"")


def _expected(expected: object) -> bytes:
    """What a driver says that it expected: bytes, or hexadecimal digits in a sentence."""
    return expected if isinstance(expected, bytes) else bytes.fromhex("".join(_HEX.findall(str(expected))))


def _named(count: int, expected: object) -> Iterator[bytes]:
    named = _expected(expected)
    yield from _checked(count, named)
    yield named[:count].rjust(count, b"\x00")
    yield named[:count].ljust(count, b"\x00")


def _checked(count: int, named: bytes) -> Iterator[bytes]:
    """Words with a CRC-8 each, as Sensirion's parts have."""
    words = [named[at : at + 2].ljust(2, b"\x00") for at in range(0, max(2, len(named)), 2)]
    for initial in (0x00, 0xFF):
        yield (b"".join(word + bytes((crc8(word, initial=initial),)) for word in words) * count)[:count]
