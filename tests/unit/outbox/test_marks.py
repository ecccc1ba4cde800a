"""Acknowledgements in any order become the highest contiguous position, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.marks import Marks

A, B, C = (Epoch(ordinal=number, random=9 - number) for number in (1, 2, 3))


@given(
    start=st.integers(0, 5),
    acks=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6)), max_size=30),
)
def test_within_an_epoch_it_is_a_set_with_a_contiguous_mark(start: int, acks: list[tuple[int, int]]) -> None:
    marks, known = Marks(A, start), set(range(1, start + 1))
    for first, more in acks:
        marks.acknowledge(A, first, first + more)
        known |= set(range(first, first + more + 1))
        contiguous = next(seq for seq in range(1, 100) if seq not in known) - 1
        assert marks.seq == max(contiguous, start)
        assert {seq for seq in range(1, 60) if marks.covers(A, seq)} == known
        spans = marks.uncovered(A, 1, 60)
        assert [seq for first, last in spans for seq in range(first, last + 1)] == sorted(set(range(1, 61)) - known)


@given(acks=st.permutations([(A, 4, 6), (A, 7, 9), (B, 1, 3), (B, 4, 4), (C, 1, 2)]))
def test_the_order_of_acknowledgements_does_not_matter(acks: list[tuple[Epoch, int, int]]) -> None:
    marks = Marks(A, 3)
    marks.learn_border(A, 9, B)
    marks.learn_border(B, 4, C)
    for epoch, first, last in acks:
        marks.acknowledge(epoch, first, last)
    assert (marks.epoch, marks.seq, marks.ranges) == (C, 2, [])


def test_an_epoch_is_left_only_over_a_border_that_was_seen() -> None:
    marks = Marks(A, 3)
    marks.acknowledge(B, 1, 5)
    assert (marks.epoch, marks.seq) == (A, 3)
    marks.learn_border(A, 3, B)
    assert (marks.epoch, marks.seq) == (B, 5)


def test_late_acknowledgements_of_an_earlier_epoch_are_ignored() -> None:
    marks = Marks(B, 3)
    marks.acknowledge(A, 1, 100)
    assert (marks.epoch, marks.seq, marks.ranges) == (B, 3, [])
    assert marks.covers(A, 500)


def test_nothing_of_an_epoch_is_no_position() -> None:
    assert Marks(A, 0).position is None


def test_a_restart_takes_over_the_ranges() -> None:
    marks = Marks(A, 3, [(A, 6, 7), (B, 1, 1)])
    marks.acknowledge(A, 4, 5)
    assert (marks.seq, marks.ranges) == (7, [(B, 1, 1)])
