"""What several drivers do alike: ask and come back for the answer, look until it is ready, try another range."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.driver import (
    MOST_RANGES_TRIED,
    BadFrame,
    NoAnswer,
    Operation,
    OverRange,
    Ranged,
    Read,
    Span,
    Wait,
    Write,
    WriteRead,
    WrongChip,
    asked,
    identified,
    read_together,
    suited,
    until,
    wire_bits,
)

STATUS, PAUSE = Read(1), Wait(0.005)


def played(steps: Generator[Operation, bytes, Any], answers: Sequence[bytes]) -> tuple[list[Operation], Any]:
    """The operations that were asked for, each read answered in turn, and what came of them."""
    left, done, answer = iter(answers), list[Operation](), b""
    try:
        operation = next(steps)
        while True:
            done.append(operation)
            answer = next(left) if isinstance(operation, Read) else b""
            operation = steps.send(answer)
    except StopIteration as end:
        return done, end.value


def is_set(status: bytes) -> bool:
    return bool(status[0] & 0x80)


def test_an_answer_is_fetched_after_the_time_that_it_takes() -> None:
    command, pause, answer = Write(b"\x24\x00"), Wait(0.015), Read(2)
    assert played(asked(command, pause, answer), [b"ok"]) == ([command, pause, answer], b"ok")


@given(late=st.integers(0, 9))
def test_it_is_looked_until_the_answer_is_ready_and_no_longer(late: int) -> None:
    steps = until(STATUS, is_set, pause=PAUSE, tries=10, otherwise="no value")
    done, answer = played(steps, [*[b"\x00"] * late, b"\x81"])
    assert answer == b"\x81"
    assert done == [*[STATUS, PAUSE] * late, STATUS]


def test_what_is_never_ready_is_given_up_and_the_sentence_says_after_what_time() -> None:
    with pytest.raises(NoAnswer, match=r"^no value, 50 ms after the time for that$"):
        played(until(STATUS, is_set, pause=PAUSE, tries=10, otherwise="no value"), [b"\x00"] * 10)


def test_an_answer_that_cannot_be_ends_the_look_at_once() -> None:
    def refuse(status: bytes) -> bool:
        raise BadFrame("status", got=status)

    with pytest.raises(BadFrame):
        played(until(STATUS, refuse, pause=PAUSE, tries=10, otherwise="no value"), [b"\xff"])


def test_an_id_is_what_is_expected_or_the_chip_is_another_one() -> None:
    assert played(identified(STATUS, b"\x61", what="id register D0"), [b"\x61"]) == ([STATUS], None)
    with pytest.raises(WrongChip, match=r"^id register D0: expected 61, got 58$"):
        played(identified(STATUS, b"\x61", what="id register D0"), [b"\x58"])


HIGH, LOW = Read(1), Read(2)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([b"a", b"1", b"a"], (b"a", b"1")),
        ([b"a", b"2", b"b", b"2", b"b"], (b"b", b"2")),
        ([b"a", b"1", b"b", b"2", b"c", b"3", b"c"], (b"c", b"3")),
    ],
)
def test_two_parts_are_of_one_measurement(answers: list[bytes], expected: tuple[bytes, bytes]) -> None:
    done, found = played(read_together(HIGH, LOW, tries=3), answers)
    assert found == expected
    assert done == [HIGH, *[LOW, HIGH] * (len(answers) // 2)]


def test_parts_that_never_belong_together_are_given_up() -> None:
    answers = [bytes((n,)) for n in range(7)]
    with pytest.raises(NoAnswer, match="its two parts, 3 times"):
        played(read_together(HIGH, LOW, tries=3), answers)


@pytest.mark.parametrize(
    ("operations", "bits"),
    [
        # Datasheets draw them: S, address, A, a byte and A for each, (Sr, address, A, ...), P.
        ((Write(b"\xfd"),), 1 + 9 + 9 + 1),
        ((Read(6),), 1 + 9 + 6 * 9 + 1),
        ((WriteRead(b"\x00", 2),), 1 + 9 + 9 + 1 + 9 + 18 + 1),
        ((Write(b"\xfd"), Read(6)), 85),
        ((), 0),
    ],
)
def test_each_byte_costs_nine_clocks_and_each_start_and_stop_one(
    operations: tuple[Write | Read | WriteRead, ...], bits: int
) -> None:
    assert wire_bits(*operations) == bits


SPANS = (Span(low=0, high=20), Span(low=7, high=100), Span(low=54, high=5400))


class Chip:
    """Measures a level that changes with each measurement; it saturates at twice the end of a span."""

    def __init__(self, *levels: float) -> None:
        self._levels = iter(levels)
        self.tried: list[int] = []

    def measured(self, place: int) -> Ranged[float]:
        yield from ()
        self.tried.append(place)
        level = next(self._levels)
        return level, None if level > 2 * SPANS[place].high else level


def test_a_range_that_suits_is_kept() -> None:
    chip = Chip(50.0)
    assert played(suited(SPANS, 1, chip.measured), [])[1] == 50.0
    assert chip.tried == [1]


def test_another_range_is_tried_until_one_suits() -> None:
    chip = Chip(300.0, 300.0)
    assert played(suited(SPANS, 0, chip.measured), [])[1] == 300.0
    assert chip.tried == [0, 2]


@given(level=st.floats(0, 5400), at=st.integers(0, 2))
def test_steady_light_always_ends_in_a_range_that_holds_it(level: float, at: int) -> None:
    chip = Chip(*[level] * MOST_RANGES_TRIED)
    assert played(suited(SPANS, at, chip.measured), [])[1] == level
    assert level <= SPANS[chip.tried[-1]].high


def test_a_level_that_runs_away_from_every_range_gives_no_value() -> None:
    chip = Chip(*[0.0, 1e6] * MOST_RANGES_TRIED)
    with pytest.raises(OverRange, match="faster"):
        played(suited(SPANS, 2, chip.measured), [])
    assert len(chip.tried) == MOST_RANGES_TRIED


def test_in_a_fixed_range_the_first_answer_stands() -> None:
    chip = Chip(1e6)
    assert played(suited(SPANS, 0, chip.measured, is_fixed=True), [])[1] == 1e6
    assert chip.tried == [0]
