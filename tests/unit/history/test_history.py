"""What a gateway remembers of its lives."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.model.vitals.bus_report import SensorTally
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.vitals.past import Ending, Past, Recalled
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.service.history.history import FILE, NOTES_EVERY_S, History
from sensor_gateway.service.history.note import LONGEST_REASON, MOST_BYTES, Note, packed, recalled, unpacked

NOTE = Note(
    boot="1b4e28ba",
    starts=12,
    starts_this_boot=3,
    ended=Ending.CRASHED,
    reason="ValueError: é",
    noted=Rfc3339("2026-11-23T16:00:00.123Z"),
    failures={"attic": 7},
)


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def stamp(self) -> Stamp:
        wall_ms = 1_795_449_600_000 + round(self.now_s * 1000)
        return Stamp(uptime_ms=0, wall_ms=wall_ms, clock=ClockState.SYNCED)


class FakeLog:
    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, event: str, /, **_facts: object) -> None:
        self.said.append(event)

    debug = warning = error = info


class CountingDisk(Disk):
    """Counts what is put in place, and fails or hangs on command."""

    def __init__(self) -> None:
        self.replaced = 0
        self.error: OSError | None = None
        self.gate: threading.Event | None = None

    def replace(self, source: Path, target: Path) -> None:
        if self.gate is not None:
            self.gate.wait(30)
        if self.error is not None:
            raise self.error
        self.replaced += 1
        super().replace(source, target)


class House:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock, self.log, self.disk = FakeClock(), FakeLog(), CountingDisk()
        self.failures = {"attic": 0}

    def life(self, boot: str = "b1") -> History:
        def tallies() -> list[SensorTally]:
            return [
                SensorTally(sensor=name, polls=100, failures=count, last_good=None)
                for name, count in self.failures.items()
            ]

        return History(self.directory, boot, tallies=tallies, clock=self.clock, log=self.log, disk=self.disk)

    def noted(self) -> Note:
        found = unpacked((self.directory / FILE).read_bytes())
        assert found is not None
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def begin_and_die(history: History) -> None:
    """A life that has no time to say how it ends."""
    history.__enter__()
    assert history._writing is not None
    history._writing.join(10)


def test_the_first_life_knows_of_none_before(house: House) -> None:
    assert house.life().recalled == Recalled(past=Past(starts=1, starts_this_boot=1), failures={})


def test_a_life_that_was_stopped_is_clean_for_the_next_one(house: House) -> None:
    with house.life():
        pass
    past = house.life().recalled.past
    assert (past.ended, past.reason, past.noted) == (Ending.CLEAN, "", "2026-11-23T16:00:00.000Z")
    assert (past.starts, past.starts_this_boot) == (2, 2)


def test_a_life_without_an_end_was_killed_or_went_down_with_the_machine(house: House) -> None:
    begin_and_die(house.life("b1"))
    assert house.life("b1").recalled.past.ended is Ending.KILLED
    past = house.life("b2").recalled.past
    assert (past.ended, past.starts, past.starts_this_boot) == (Ending.MACHINE, 2, 1)


def test_a_crash_is_noted_with_the_name_of_its_exception(house: House) -> None:
    with pytest.raises(ZeroDivisionError), house.life():
        _ = 1 / 0
    past = house.life().recalled.past
    assert (past.ended, past.reason) == (Ending.CRASHED, "ZeroDivisionError: division by zero")


def test_an_end_by_the_watchdog_is_foreseen_and_told_as_that(house: House) -> None:
    history = house.life("b1")
    begin_and_die(history)
    history.foresee("nothing moved for 40 s")
    history._writing.join(10)  # type: ignore[union-attr]
    past = house.life("b1").recalled.past
    assert (past.ended, past.reason) == (Ending.WATCHDOG, "nothing moved for 40 s")
    past = house.life("b2").recalled.past
    assert (past.ended, past.reason) == (Ending.MACHINE, ""), "a watchdog leaves the machine as it is"


def test_what_was_foreseen_is_taken_back_and_an_end_of_its_own_stands(house: House) -> None:
    history = house.life("b1")
    begin_and_die(history)
    history.foresee("nothing moved for 40 s")
    history._writing.join(10)  # type: ignore[union-attr]
    before = house.disk.replaced
    for _ in range(10):
        history.foresee("nothing moved for 40 s")
    assert house.disk.replaced == before, "it is written once"
    history.foresee("")
    history._writing.join(10)  # type: ignore[union-attr]
    assert house.life("b1").recalled.past.ended is Ending.KILLED
    history.foresee("nothing moved for 40 s")
    history.end(Ending.CLEAN)
    history.foresee("nothing moved for 80 s")
    assert house.life("b1").recalled.past.ended is Ending.CLEAN


def test_the_first_word_of_an_end_stands(house: House) -> None:
    history = house.life()
    with history:
        history.end(Ending.HUNG, "the publisher hung")
    assert (house.noted().ended, house.noted().reason) == (Ending.HUNG, "the publisher hung")


def test_failures_are_added_from_life_to_life_and_over_a_bus_that_was_begun_anew(house: House) -> None:
    history = house.life()
    with history:
        house.failures = {"attic": 5}
        history.turn(60)
        house.failures = {"attic": 2, "bench": 1}
    assert house.noted().failures == {"attic": 7, "bench": 1}
    house.failures = {"attic": 1}
    with house.life() as _:
        pass
    assert house.noted().failures == {"attic": 8, "bench": 1}
    assert house.life().recalled.failures == {"attic": 8, "bench": 1}


def test_it_is_written_at_the_start_at_the_end_and_every_ten_minutes_if_a_poll_failed(house: House) -> None:
    history = house.life()

    def turns(until_s: float) -> None:
        while house.clock.now_s < until_s:
            house.clock.now_s += 5
            history.turn(house.clock.now_s)
            if history._writing is not None:
                history._writing.join(10)

    with history:
        turns(10 * NOTES_EVERY_S)
        assert house.disk.replaced == 1
        house.failures["attic"] = 1
        turns(10 * NOTES_EVERY_S + 70)
        assert house.disk.replaced == 2
        assert house.noted().failures == {"attic": 1}
        before = house.disk.replaced
        for count in range(2, 22):
            house.failures["attic"] = count
            turns(house.clock.now_s + 60)
        assert house.disk.replaced - before in {2, 3}, "twenty minutes of failures"
    assert house.noted().ended is Ending.CLEAN


def test_a_disk_that_fails_is_told_once_and_stops_nothing(house: House) -> None:
    house.disk.error = OSError(errno.ENOSPC, "No space left on device")
    with house.life():
        pass
    assert house.log.said == ["history_not_kept"]
    house.disk.error = None
    with house.life():
        pass
    assert house.noted().ended is Ending.CLEAN


def test_a_disk_that_does_not_answer_holds_up_neither_a_turn_nor_long_an_end(house: House) -> None:
    house.disk.gate = threading.Event()
    history = house.life()
    with history:
        house.failures["attic"] = 9
        history.turn(NOTES_EVERY_S + 1)
    house.disk.gate.set()


@pytest.mark.parametrize("place", range(len(packed(NOTE)) - 1))
def test_a_note_with_a_damaged_byte_is_no_note(place: int) -> None:
    data = bytearray(packed(NOTE))
    data[place] ^= 0x10
    assert unpacked(bytes(data)) is None


@given(st.binary(max_size=200))
def test_whatever_is_in_the_file_it_is_read_or_left(data: bytes) -> None:
    assert unpacked(data) is None
    assert recalled(unpacked(data), "b") == Recalled()


@given(
    st.builds(
        Note,
        boot=st.text(max_size=36),
        starts=st.integers(0, 10**9),
        starts_this_boot=st.integers(0, 10**9),
        ended=st.none() | st.sampled_from(Ending),
        reason=st.text(max_size=LONGEST_REASON),
        noted=st.just(NOTE.noted),
        failures=st.dictionaries(st.text(max_size=64), st.integers(0, 10**9), max_size=20),
    )
)
def test_what_is_written_is_what_is_read(note: Note) -> None:
    assert unpacked(packed(note)) == note


def test_a_note_is_bounded_and_keeps_those_that_failed_most() -> None:
    failures = {f"{'s' * 50}-{number:05}": number for number in range(10_000)}
    data = packed(Note(**{**{name: getattr(NOTE, name) for name in Note.__slots__}, "failures": failures}))
    assert len(data) < MOST_BYTES
    found = unpacked(data)
    assert found is not None
    assert min(found.failures.values()) == 9_500
