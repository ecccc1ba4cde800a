from __future__ import annotations

import pytest

from sensor_gateway.model.reading import ClockState
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS, Finding

UNSYNCED, SYNCED = ClockState.UNSYNCED, ClockState.SYNCED


class Machine:
    """The machine's clocks, under the test's control, and a source that says what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, wall_ms: int = PLAUSIBLE_MS) -> None:
        self.monotonic_s = 100.0
        self.wall_ms = wall_ms
        self.answer: bool | None = None
        self.asked = 0
        monkeypatch.setattr("time.monotonic", lambda: self.monotonic_s)
        monkeypatch.setattr("time.time_ns", lambda: self.wall_ms * 1_000_000)
        monkeypatch.setattr("time.clock_gettime_ns", lambda _: round(self.monotonic_s * 1e9))

    def look(self, wall_ms: int) -> Finding:
        self.asked += 1
        return Finding(is_set=self.answer, why="the test says so")

    def pass_time(self, seconds: float) -> None:
        self.monotonic_s += seconds
        self.wall_ms += round(seconds * 1000)


def test_the_clock_is_synchronised_as_soon_as_its_source_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    machine.answer = False
    clock = SystemClock(machine)
    assert clock.stamp().clock is UNSYNCED
    machine.answer = True
    machine.pass_time(10)
    assert clock.stamp().clock is SYNCED


def test_a_source_is_asked_every_five_seconds_until_it_says_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    machine.answer = False
    clock = SystemClock(machine)
    for _ in range(100):
        clock.stamp()
        machine.pass_time(0.1)
    assert machine.asked == 2
    machine.answer = True
    machine.pass_time(5)
    for _ in range(100):
        clock.stamp()
        machine.pass_time(1)
    assert machine.asked == 3


@pytest.mark.parametrize(("wall_ms", "state"), [(PLAUSIBLE_MS - 1, UNSYNCED), (PLAUSIBLE_MS, SYNCED)])
def test_where_nobody_can_tell_a_plausible_year_decides(
    monkeypatch: pytest.MonkeyPatch, wall_ms: int, state: ClockState
) -> None:
    assert SystemClock(Machine(monkeypatch, wall_ms=wall_ms)).stamp().clock is state


def test_a_source_that_says_no_is_believed_whatever_the_year(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    machine.answer = False
    assert SystemClock(machine).stamp().clock is UNSYNCED


def test_a_source_that_was_chosen_and_cannot_tell_is_not_replaced_by_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SystemClock(Machine(monkeypatch), may_guess=False).stamp().clock is UNSYNCED


@pytest.mark.parametrize("seconds", [-3600, 86_400, 56 * 31_557_600])
def test_a_plausible_year_is_believed_only_until_a_jump_is_seen(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    machine = Machine(monkeypatch, wall_ms=PLAUSIBLE_MS + 10**10)
    clock = SystemClock(machine)
    assert clock.stamp().clock is SYNCED
    machine.wall_ms += seconds * 1000
    assert clock.stamp().clock is UNSYNCED
    machine.pass_time(3600)
    assert clock.stamp().clock is UNSYNCED
    machine.answer = True
    machine.pass_time(10)
    assert clock.stamp().clock is SYNCED


@pytest.mark.parametrize("seconds", [-3600, 86_400, 56 * 31_557_600])
def test_a_jump_changes_nothing_where_a_source_said_that_the_clock_is_set(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    machine = Machine(monkeypatch, wall_ms=PLAUSIBLE_MS + 10**10)
    machine.answer = True
    clock = SystemClock(machine)
    before = clock.stamp()
    machine.wall_ms += seconds * 1000
    after = clock.stamp()
    assert after.clock is SYNCED
    assert after.uptime_ms == before.uptime_ms


def test_a_clock_that_drifts_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    clock = SystemClock(machine)
    for _ in range(9):
        machine.pass_time(1)
        machine.wall_ms += 100
        assert clock.stamp().clock is SYNCED
