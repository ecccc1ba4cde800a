"""The cursor: two slots in turn, so that a torn write costs the newest state at most."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.drops import DROPS_KEPT, Drop, Drops, both
from sensor_gateway.outbox.files.cursor import SLOT_SIZE, CursorFile, CursorState, decode_slot, encode_slot
from sensor_gateway.outbox.files.disk import Disk

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
EPOCHS = st.builds(Epoch, ordinal=U32, random=U32)
DROPS = st.builds(
    Drop,
    epoch=EPOCHS,
    first=U64,
    last=U64,
    count=U64,
    cause=st.sampled_from(GapCause),
    from_ms=I64,
    to_ms=I64,
)
STATES = st.builds(CursorState, epoch=EPOCHS, seq=U64, generation=U64, drops=st.lists(DROPS, max_size=6).map(tuple))


def state(seq: int) -> CursorState:
    return CursorState(epoch=Epoch(ordinal=1, random=2), seq=seq, generation=3)


def load(path: Path) -> CursorFile:
    cursor = CursorFile(Disk(), path)
    cursor.load()
    return cursor


def put(cursor: CursorFile, seq: int) -> None:
    cursor.write(state(seq))
    cursor.begin_sync()
    cursor.end_sync(None)


@given(what=STATES, number=U64)
def test_a_slot_comes_back_as_it_was(what: CursorState, number: int) -> None:
    slot = encode_slot(what, number)
    assert len(slot) == SLOT_SIZE
    assert decode_slot(slot) == (number, what)


@given(what=STATES, place=st.integers(0, SLOT_SIZE - 1), value=st.integers(1, 255))
def test_no_changed_slot_is_taken(what: CursorState, place: int, value: int) -> None:
    slot = bytearray(encode_slot(what, 1))
    slot[place] ^= value
    assert decode_slot(bytes(slot)) is None


@given(data=st.binary(max_size=SLOT_SIZE))
def test_any_bytes_can_be_tried(data: bytes) -> None:
    assert decode_slot(data.ljust(SLOT_SIZE, b"\0")) is None


def test_a_slot_of_another_version_is_not_taken() -> None:
    assert decode_slot(b"") is None


def test_the_newest_state_is_found_again(tmp_path: Path) -> None:
    cursor = load(tmp_path / "cursor")
    assert cursor.newest is None
    for seq in range(1, 6):
        put(cursor, seq)
    cursor.close()
    again = load(tmp_path / "cursor")
    assert again.newest == state(5)


@pytest.mark.parametrize("writes", [2, 3, 4, 5])
def test_a_torn_write_leaves_the_state_that_was_safe(tmp_path: Path, writes: int) -> None:
    path = tmp_path / "cursor"
    cursor = load(path)
    for seq in range(1, writes):
        put(cursor, seq)
    before = path.read_bytes()
    for seq in (100, 101, 102):
        cursor.write(state(seq))
    cursor.close()
    after = path.read_bytes()
    changed = [at for at in range(len(after)) if after[at] != before[at]]
    slot = changed[0] // SLOT_SIZE
    assert all(at // SLOT_SIZE == slot for at in changed)
    torn = after[: slot * SLOT_SIZE] + bytes(512) + after[slot * SLOT_SIZE + 512 :]
    path.write_bytes(torn)
    assert load(path).newest == state(writes - 1)


def test_a_failed_sync_makes_nothing_safe(tmp_path: Path) -> None:
    cursor = load(tmp_path / "cursor")
    put(cursor, 1)
    cursor.write(state(2))
    cursor.begin_sync()
    cursor.end_sync(OSError(errno.EIO, "worn"))
    assert cursor.safe == state(1)
    assert cursor.newest == state(2)


def drop(first: int, last: int, *, ordinal: int = 1, cause: GapCause = GapCause.LIMIT) -> Drop:
    return Drop(
        epoch=Epoch(ordinal=ordinal, random=2),
        first=first,
        last=last,
        count=last - first + 1,
        cause=cause,
        from_ms=first,
        to_ms=last,
    )


def test_neighbouring_drops_of_one_cause_are_one() -> None:
    drops = Drops()
    for one in (drop(1, 5), drop(6, 9), drop(10, 12, cause=GapCause.AGE), drop(1, 3, ordinal=2)):
        drops.add(one)
    assert list(drops) == [drop(1, 9), drop(10, 12, cause=GapCause.AGE), drop(1, 3, ordinal=2)]


def test_more_drops_than_fit_become_one_for_each_epoch() -> None:
    drops = Drops()
    for number in range(DROPS_KEPT + 1):
        drops.add(drop(number * 10 + 1, number * 10 + 5, cause=list(GapCause)[number % 2]))
    (one,) = drops
    assert (one.first, one.last, one.count, one.cause) == (1, 725, 365, GapCause.UNKNOWN)


def test_of_more_epochs_than_fit_the_newest_are_kept() -> None:
    drops = Drops()
    for number in range(DROPS_KEPT + 10):
        drops.add(drop(1, 5, ordinal=number))
    assert [one.epoch.ordinal for one in drops] == list(range(10, DROPS_KEPT + 10))


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_two_notes_of_the_same_drops_the_later_one_counts_once(*, is_reversed: bool) -> None:
    memory, purge = GapCause.MEMORY, GapCause.PURGE
    older = [drop(1, 5), drop(20, 22, cause=memory), drop(30, 40, cause=purge)]
    later = [drop(1, 9), drop(20, 22, cause=memory), drop(25, 26, cause=memory), drop(1, 3, ordinal=2)]
    both_ways = both(later, older) if is_reversed else both(older, later)
    expected = [drop(1, 9), *later[1:3], drop(30, 40, cause=purge), drop(1, 3, ordinal=2)]
    assert [*Drops(both_ways)] == expected


def test_drops_of_several_causes_that_became_one_are_not_counted_again() -> None:
    shrunk = drop(1, 30, cause=GapCause.UNKNOWN)
    assert both([shrunk], [drop(1, 5), drop(20, 30, cause=GapCause.MEMORY)]) == [shrunk]


def test_drops_that_were_passed_are_forgotten() -> None:
    drops = Drops([drop(1, 5), drop(10, 15), drop(1, 3, ordinal=2)])
    drops.forget_through(Epoch(ordinal=1, random=2), 12)
    assert list(drops) == [drop(10, 15), drop(1, 3, ordinal=2)]
    drops.forget_through(Epoch(ordinal=2, random=2), 0)
    assert list(drops) == [drop(1, 3, ordinal=2)]


def test_a_hole_is_cut_by_the_drops_in_it_without_overlap() -> None:
    drops = Drops([drop(1, 8), drop(6, 12, cause=GapCause.MEMORY)])
    found = drops.within(Epoch(ordinal=1, random=2), 4, 10)
    assert [(one.first, one.last, one.cause) for one in found] == [(4, 8, GapCause.LIMIT), (9, 10, GapCause.MEMORY)]
