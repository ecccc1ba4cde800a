"""The reference deduper against a model that remembers everything."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway import deduper as module
from sensor_gateway.deduper import Deduper, Verdict

Event = dict[str, Any]

EPOCHS = [f"{ordinal:06d}-7f3c9a2e" for ordinal in range(1, 5)]


def value(seq: int, clock: str = "synced", epoch: str = EPOCHS[0], gateway: str = "house") -> Event:
    return {
        "id": f"{gateway}:{epoch}:{seq}", "type": "value", "gateway": gateway, "epoch": epoch, "seq": seq,
        "value": seq / 2, "time": f"at {seq} by a clock that is {clock}", "clock": clock,
    }  # fmt: skip


def start(epoch: str, previous: str | None, last: int | None) -> Event:
    return {**value(1, epoch=epoch), "type": "epoch", "previous": previous, "previous_last_seq": last}


def gap(first: int, last: int, epoch: str = EPOCHS[0], gateway: str = "house") -> Event:
    return {
        "id": f"{gateway}:{epoch}:gap-{first}-{last}", "type": "gap", "gateway": gateway, "epoch": epoch,
        "from_seq": first, "to_seq": last, "count": last - first + 1, "cause": "limit",
    }  # fmt: skip


def refused(before: int) -> Event:
    return {**gap(1, 1), "id": f"house:{EPOCHS[0]}:gap-before-{before}", "from_seq": None, "to_seq": None, "count": 3}


class Naive:
    """Remembers everything."""

    def __init__(self) -> None:
        self.stored: dict[str, Event] = {}

    def offer(self, event: Event) -> Verdict:
        known = self.stored.get(event["id"])
        if known is None:
            verdict: Verdict = "new"
        elif known.get("clock") == "unsynced" and event["clock"] != "unsynced":
            verdict = "improved"
        else:
            return "duplicate"
        self.stored[event["id"]] = event
        return verdict

    def missing(self, epoch: str) -> list[tuple[int, int]]:
        """Of the gateway named house."""
        house = [event for event in self.stored.values() if event["gateway"] == "house"]
        events = [event for event in house if event["epoch"] == epoch]
        there = {event["seq"] for event in events if "seq" in event}
        for event in events:
            if event.get("from_seq") is not None:
                there |= set(range(event["from_seq"], event["to_seq"] + 1))
        ends = [event["previous_last_seq"] for event in house if event.get("previous") == epoch]
        last = max([*there, *(end for end in ends if end)], default=0)
        holes: list[tuple[int, int]] = []
        for seq in range(1, last + 1):
            if seq in there:
                continue
            if holes and holes[-1][1] == seq - 1:
                holes[-1] = (holes[-1][0], seq)
            else:
                holes.append((seq, seq))
        return holes


VALUES = st.builds(
    value,
    st.integers(2, 30),
    st.sampled_from(["synced", "corrected", "unsynced"]),
    st.sampled_from(EPOCHS),
    st.sampled_from(["house", "shed"]),
)
STARTS = st.integers(1, 3).map(lambda number: start(EPOCHS[number], EPOCHS[number - 1], 10 * number))
GAPS = st.builds(lambda first, count, epoch: gap(first, first + count, epoch), st.integers(2, 25), st.integers(0, 5),
                 st.sampled_from(EPOCHS))  # fmt: skip
STREAMS = st.lists(st.one_of(VALUES, VALUES, VALUES, STARTS, GAPS, st.integers(2, 30).map(refused)), max_size=80)


@given(STREAMS)
def test_within_its_bounds_it_says_what_a_memory_of_everything_says(stream: list[Event]) -> None:
    deduper, naive = Deduper(), Naive()
    for event in stream:
        assert deduper.offer(event) == naive.offer(event)
    for event in stream:
        if event["gateway"] == "house":
            assert deduper.missing("house", event["epoch"]) == naive.missing(event["epoch"])


@given(STREAMS, st.integers(1, 4), st.integers(1, 3))
def test_beyond_its_bounds_duplicates_may_pass_and_news_is_never_dropped(
    stream: list[Event], most: int, epochs: int
) -> None:
    deduper, naive = Deduper(epochs=epochs, most=most), Naive()
    for event in stream:
        expected = naive.offer(event)
        verdict = deduper.offer(event)
        assert expected != "new" or verdict == "new"


@given(STREAMS, st.integers(1, 4))
def test_beyond_its_bounds_nothing_counts_as_complete_that_is_not(stream: list[Event], most: int) -> None:
    deduper, naive = Deduper(most=most), Naive()
    for event in stream:
        deduper.offer(event)
        naive.offer(event)
    for epoch in {event["epoch"] for event in stream if event["gateway"] == "house"}:
        said = {seq for first, last in deduper.missing("house", epoch) for seq in range(first, last + 1)}
        for first, last in naive.missing(epoch):
            assert said >= set(range(first, last + 1))


@given(STREAMS, st.integers(0, 80))
def test_a_restart_changes_nothing(stream: list[Event], place: int) -> None:
    through, restarted = Deduper(), Deduper()
    for number, event in enumerate(stream):
        if number == place:
            restarted = Deduper.from_json(restarted.to_json())
        assert restarted.offer(event) == through.offer(event)
    assert restarted.to_json() == through.to_json()


@given(STREAMS)
def test_what_it_remembers_stays_within_its_bounds(stream: list[Event]) -> None:
    deduper = Deduper(epochs=2, most=3)
    for event in stream:
        deduper.offer(event)
    for epochs in deduper._gateways.values():
        assert len(epochs) <= 2
        for known in epochs.values():
            assert all(len(kept) <= 3 for kept in (known.seen.ranges, known.unsynced.ranges, known.lost.ranges))
            assert len(known.gaps) <= 3


def test_a_million_events_in_order_are_one_range() -> None:
    deduper = Deduper()
    for seq in range(1, 10_001):
        deduper.offer(value(seq))
    assert len(deduper.to_json()) < 200


def test_an_event_that_was_refused_and_comes_behind_later_ones_is_new() -> None:
    deduper = Deduper()
    assert [deduper.offer(value(seq)) for seq in (1, 2, 4, 5, 3)] == ["new"] * 5
    assert [deduper.offer(value(seq)) for seq in (3, 4, 5)] == ["duplicate"] * 3


@pytest.mark.parametrize("better", ["corrected", "synced"])
def test_a_copy_with_a_better_clock_improves_once_and_never_gets_worse(better: str) -> None:
    deduper = Deduper()
    copies = [value(7, "unsynced"), value(7, "unsynced"), value(7, better), value(7, better), value(7, "unsynced")]
    assert [deduper.offer(copy) for copy in copies] == ["new", "duplicate", "improved", "duplicate", "duplicate"]


def test_a_gap_ends_the_search_for_its_seqs_and_an_event_that_comes_all_the_same_is_new() -> None:
    deduper = Deduper()
    deduper.offer(value(1))
    deduper.offer(value(9))
    assert deduper.missing("house", EPOCHS[0]) == [(2, 8)]
    assert [deduper.offer(gap(2, 6)), deduper.offer(gap(2, 6))] == ["new", "duplicate"]
    assert deduper.missing("house", EPOCHS[0]) == [(7, 8)]
    assert [deduper.offer(value(4)), deduper.offer(value(4))] == ["new", "duplicate"]
    assert deduper.missing("house", EPOCHS[0]) == [(7, 8)]


def test_the_next_epoch_tells_how_far_the_last_one_went() -> None:
    deduper = Deduper()
    deduper.offer(value(1))
    deduper.offer(value(2))
    assert deduper.missing("house", EPOCHS[0]) == []
    deduper.offer(start(EPOCHS[1], EPOCHS[0], 4))
    assert deduper.missing("house", EPOCHS[0]) == [(3, 4)]


def test_an_epoch_that_it_does_not_know_is_not_called_complete() -> None:
    with pytest.raises(KeyError):
        Deduper().missing("house", EPOCHS[0])


def test_an_epoch_with_a_lower_ordinal_than_all_before_is_remembered_too() -> None:
    """A state directory that was wiped begins with ordinal 1 again, under other random bits."""
    deduper = Deduper(epochs=2)
    for epoch in EPOCHS[2:]:
        deduper.offer(value(1, epoch=epoch))
    assert [deduper.offer(value(1, epoch=EPOCHS[0])) for _ in range(2)] == ["new", "duplicate"]


def test_it_stands_alone_so_that_it_can_be_copied_as_one_file() -> None:
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {str(name).partition(".")[0] for name in imported} <= sys.stdlib_module_names
