"""The newest events, in memory: found by position, let go from the front, batched for flash."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, Refused, framed_size
from sensor_gateway.outbox.tiers.tail import Tail

A, B = Epoch(ordinal=1, random=9), Epoch(ordinal=2, random=1)


def record(epoch: Epoch, first: int, count: int, *, uptime_ms: int = 0, boot: int = 1, refused: int = 0) -> Record:
    bodies = tuple(b"x" * 10 for _ in range(count))
    return Record(
        epoch=epoch,
        first_seq=first,
        bodies=bodies,
        size=framed_size(bodies),
        began=Moment(boot=boot, uptime_ms=uptime_ms, wall_ms=0, is_unsynced=False),
        refused=Refused(count=refused, from_ms=0, to_ms=0) if refused else None,
    )


def tail_of(*records: Record) -> Tail:
    tail = Tail()
    for one in records:
        tail.add(one)
    return tail


def test_refused_events_are_told_of_at_the_beginning_of_a_record_on_flash() -> None:
    tail = tail_of(record(A, 1, 2), record(A, 3, 2), record(A, 5, 1, refused=4), record(A, 6, 1))
    assert [one.first_seq for one in tail.batch(10**6, 100, math.inf, 1)] == [1, 3]
    tail.wrote(2)
    assert [one.first_seq for one in tail.batch(10**6, 100, math.inf, 1)] == [5, 6]


def test_a_record_on_flash_holds_one_epoch() -> None:
    tail = tail_of(record(A, 1, 2), record(B, 1, 2))
    assert len(tail.batch(10**6, 100, math.inf, 1)) == 1


def test_what_is_young_stays_and_what_is_of_another_boot_goes() -> None:
    tail = tail_of(record(A, 1, 1, uptime_ms=900, boot=7), record(A, 2, 1, uptime_ms=10), record(A, 3, 1, uptime_ms=50))
    assert [one.first_seq for one in tail.batch(10**6, 100, 20, 1)] == [1, 2]


def test_a_batch_is_bounded_and_never_empty() -> None:
    tail = tail_of(*(record(A, 1 + number * 2, 2) for number in range(5)))
    size = record(A, 1, 2).size
    assert len(tail.batch(1, 100, math.inf, 1)) == 1
    assert len(tail.batch(size * 3, 100, math.inf, 1)) == 3
    assert len(tail.batch(10**6, 5, math.inf, 1)) == 2


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=30),
    passed=st.integers(0, 120),
    written=st.integers(0, 30),
)
def test_letting_go_and_finding_agree_with_a_list(counts: list[int], passed: int, written: int) -> None:
    records = []
    for number, count in enumerate(counts):
        epoch = A if number < len(counts) // 2 else B
        before = [one for one in records if one.epoch == epoch]
        records.append(record(epoch, before[-1].last_seq + 1 if before else 1, count))
    tail = tail_of(*records)
    tail.wrote(min(written, len(records)))
    gone = tail.settle(A, passed)
    assert gone == [one for one in records if one.epoch == A and one.last_seq <= passed]
    rest = records[len(gone) :]
    assert list(tail) == rest
    assert tail.count == sum(len(one.bodies) for one in rest)
    assert tail.size == sum(one.size for one in rest)
    first_unwritten = records[max(min(written, len(records)), len(gone)) :]
    assert tail.first_unwritten == (first_unwritten[0] if first_unwritten else None)
    for epoch in (A, B):
        for seq in range(12):
            after = [one for one in rest if (one.epoch, one.last_seq) > (epoch, seq)]
            assert tail.record_after(epoch, seq) == (after[0] if after else None)
    tail.rewind()
    assert tail.first_unwritten == tail.first


@given(steps=st.lists(st.integers(0, 3), max_size=60))
def test_what_was_let_go_is_not_kept(steps: list[int]) -> None:
    tail, settled = Tail(), 0
    for added, step in enumerate(steps, 1):
        tail.add(record(A, added, 1))
        settled = min(settled + step, added)
        tail.settle(A, settled)
        assert len(tail._records) <= 2 * (added - settled)
