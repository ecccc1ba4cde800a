"""What is wrong with the small files of an outbox: cursor, identity and epoch. None of them can cost an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sensor_gateway.outbox.files.cursor import SLOT_SIZE, decode_slot
from sensor_gateway.outbox.files.disk import read_file
from sensor_gateway.outbox.files.loaded import CURSOR_NAME
from sensor_gateway.outbox.identity import EPOCH, IDENTITY, read_epoch, read_identity
from sensor_gateway.outbox.inspection.damage import Damage, Wrong
from sensor_gateway.outbox.inspection.snapshot import Snapshot

_SIZE_LIMIT: Final = 4096
_OTHER_SLOT: Final = "the other slot is used; what was delivered or purged since then may be sent again"
_SENT_AGAIN: Final = "everything that is there is sent again, also what was delivered or purged"
_NEW_IDENTITY: Final = "a new identity and client id are made, and a new epoch begins"
_COUNTED_ON: Final = "epochs are counted on from the records"


def small_file_damage(snapshot: Snapshot, *, has_segments: bool) -> Iterator[Damage]:
    """All that is wrong with them."""
    yield from _cursor(snapshot, has_segments=has_segments)
    readers = ((IDENTITY, read_identity, _NEW_IDENTITY), (EPOCH, read_epoch, _COUNTED_ON))
    for name, reader, then in readers:
        data = _read(snapshot, name, _SIZE_LIMIT)
        if isinstance(data, OSError):
            yield _whole(name, 0, Wrong.UNREADABLE, then)
        elif data is None:
            if has_segments:
                yield _whole(name, 0, Wrong.MISSING, then)
        elif reader(snapshot.disk, snapshot.directory) is None:
            yield _whole(name, len(data), Wrong.ZEROED if data.count(0) == len(data) else Wrong.CHECKSUM, then)


def _cursor(snapshot: Snapshot, *, has_segments: bool) -> Iterator[Damage]:
    data = _read(snapshot, CURSOR_NAME, 2 * SLOT_SIZE)
    if isinstance(data, OSError):
        yield _whole(CURSOR_NAME, 0, Wrong.UNREADABLE, _SENT_AGAIN)
    elif data is None:
        if has_segments:
            yield _whole(CURSOR_NAME, 0, Wrong.MISSING, _SENT_AGAIN)
    else:
        slots = [(at, data[at : at + SLOT_SIZE]) for at in (0, SLOT_SIZE)]
        sound = [at for at, slot in slots if decode_slot(slot)]
        if not sound and (has_segments or data.count(0) < len(data)):
            slots = [(0, data)]
        for at, slot in slots:
            is_unused = slot.count(0) == len(slot) == SLOT_SIZE and (sound or not has_segments)
            if at not in sound and not is_unused:
                wrong = Wrong.TORN if len(slot) < SLOT_SIZE else Wrong.CHECKSUM
                is_zeroed = len(slot) >= SLOT_SIZE and slot.count(0) == len(slot)
                yield Damage(
                    file=CURSOR_NAME,
                    offset=at,
                    length=len(slot),
                    wrong=Wrong.ZEROED if is_zeroed else wrong,
                    events=0,
                    then=_OTHER_SLOT if sound else _SENT_AGAIN,
                )


def _read(snapshot: Snapshot, name: str, limit: int) -> bytes | OSError | None:
    try:
        return read_file(snapshot.disk, snapshot.directory / name, limit)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error


def _whole(name: str, length: int, wrong: Wrong, then: str) -> Damage:
    return Damage(file=name, offset=0, length=length, wrong=wrong, events=0, then=then)
