"""Acknowledgements in any order become the highest contiguous position, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.marks import AckRange, Marks

EPOCHS = A, B, C, D = [Epoch(ordinal=number, random=9 - number) for number in (1, 2, 3, 4)]
END = 20
"""Seqs above this are never spoken of."""


@dataclass(frozen=True)
class Ack:
    """A range is acknowledged."""

    epoch: Epoch
    first: int
    last: int


@dataclass(frozen=True)
class Border:
    """A border is learned."""

    epoch: Epoch
    last: int
    following: Epoch


class Places:
    """What ``Marks`` should be: one set of all places, and a mark that goes up one by one."""

    def __init__(self, epoch: Epoch, seq: int, ranges: Iterable[AckRange]) -> None:
        self.mark = epoch, seq
        self.borders: dict[Epoch, tuple[int, Epoch]] = {}
        self.known: set[tuple[Epoch, int]] = set()
        for above, first, last in ranges:
            self.take(Ack(above, first, last))

    def take(self, step: Ack | Border) -> None:
        if isinstance(step, Border):
            self.borders[step.epoch] = step.last, step.following
        else:
            self.known |= {(step.epoch, seq) for seq in range(step.first, step.last + 1)}
        while True:
            epoch, seq = self.mark
            end, following = self.borders.get(epoch, (END, epoch))
            if (epoch, seq + 1) in self.known:
                self.mark = epoch, seq + 1
            elif following != epoch and seq >= end:
                self.mark = following, 0
            else:
                return

    def covers(self, epoch: Epoch, seq: int) -> bool:
        return (epoch, seq) in self.known or (epoch, seq) <= self.mark

    def above(self) -> list[AckRange]:
        """The ranges above the mark."""
        places = sorted(place for place in self.known if place > self.mark)
        runs = groupby(enumerate(places), lambda at: (at[1][0], at[1][1] - at[0]))
        found = [[place for _, place in run] for _, run in runs]
        return [(run[0][0], run[0][1], run[-1][1]) for run in found]


def objection(kind: type[Marks], start: AckRange, ranges: list[AckRange], steps: list[Ack | Border]) -> str | None:
    """The first difference from ``Places``, if there is one. ``start``: the first mark's epoch and seq."""
    marks, places = kind(start[0], start[1], ranges), Places(start[0], start[1], ranges)
    for number, step in enumerate([None, *steps]):
        if isinstance(step, Ack):
            marks.acknowledge(step.epoch, step.first, step.last)
        elif isinstance(step, Border):
            marks.learn_border(step.epoch, step.last, step.following)
        if step is not None:
            places.take(step)
        if (marks.epoch, marks.seq) != places.mark or marks.ranges != places.above():
            return f"step {number}: {marks.epoch}:{marks.seq} {marks.ranges}, not {places.mark} {places.above()}"
        for epoch in EPOCHS:
            missing = [seq for seq in range(1, END + 1) if not places.covers(epoch, seq)]
            if [seq for seq in range(1, END + 1) if not marks.covers(epoch, seq)] != missing:
                return f"step {number}: of {epoch} something else is covered"
            spans = marks.uncovered(epoch, 1, END)
            if [seq for first, last in spans for seq in range(first, last + 1)] != missing:
                return f"step {number}: of {epoch} something else is uncovered"
    return None


seqs = st.integers(1, END // 2)
acks = st.builds(lambda epoch, first, more: Ack(epoch, first, first + more), st.sampled_from(EPOCHS), seqs, seqs)
borders = st.builds(
    lambda at, last, further: Border(EPOCHS[at], last, EPOCHS[min(at + further, 3)]),
    st.integers(0, 2),
    st.integers(0, END // 2),
    st.integers(1, 2),
)
few = st.builds(lambda ack: (ack.epoch, ack.first, ack.last), acks)


@given(
    start=st.tuples(st.sampled_from([A, B]), st.integers(0, 4), st.just(0)),
    ranges=st.lists(few, max_size=3),
    steps=st.lists(st.one_of(acks, borders), max_size=25),
)
def test_over_any_borders_it_is_a_set_with_a_contiguous_mark(
    start: AckRange, ranges: list[AckRange], steps: list[Ack | Border]
) -> None:
    assert objection(Marks, start, ranges, steps) is None


class Blocked(Marks):
    """Keeps the ranges of an epoch that it has left."""

    def _cross(self, following: Epoch) -> None:
        self.epoch, self.seq = following, 0


class Forgetful(Marks):
    """Forgets what lies in the epoch that it comes to."""

    def _cross(self, following: Epoch) -> None:
        super()._cross(following)
        self.ranges = [above for above in self.ranges if above[0] > following]


@pytest.mark.parametrize("broken", [Blocked, Forgetful])
def test_the_comparison_sees_marks_that_are_wrong_behind_a_border(broken: type[Marks]) -> None:
    steps: list[Ack | Border] = [Ack(A, 8, 9), Ack(B, 2, 3), Border(A, 5, B), Ack(B, 1, 1)]
    assert objection(Marks, (A, 5, 0), [], steps) is None
    assert objection(broken, (A, 5, 0), [], steps) is not None


def test_what_was_acknowledged_behind_a_border_does_not_stop_the_mark() -> None:
    marks = Marks(A, 5, [(A, 8, 9), (B, 2, 3)])
    marks.learn_border(A, 5, B)
    marks.acknowledge(B, 1, 1)
    assert (marks.epoch, marks.seq, marks.ranges) == (B, 3, [])


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
