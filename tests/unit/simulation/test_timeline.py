from __future__ import annotations

import pytest

from sensor_gateway.simulation.scenario import ClockJump
from sensor_gateway.simulation.timeline import Lane, play
from sensor_gateway.simulation.virtual_clock import VirtualClock


class Metronome:
    def __init__(self, name: str, clock: VirtualClock, every_s: float, *, takes_s: float = 0.0) -> None:
        self.name, self.clock, self.every_s, self.takes_s = name, clock, every_s, takes_s

    def step(self) -> float:
        self.clock.advance(self.takes_s)
        return self.every_s - self.takes_s


def lane(name: str, every_s: float, *, takes_s: float = 0.0, start_s: float = 0.0) -> Lane:
    clock = VirtualClock(start_s=start_s)
    return Lane(stepper=Metronome(name, clock, every_s, takes_s=takes_s), clock=clock)


def played(lanes: list[Lane], seconds: float, jumps: tuple[ClockJump, ...] = ()) -> list[tuple[str, float]]:
    heard: list[tuple[str, float]] = []

    def hear(turned: Lane) -> None:
        assert isinstance(turned.stepper, Metronome)
        heard.append((turned.stepper.name, round(turned.clock.monotonic(), 6)))

    play(lanes, seconds=seconds, after_step=hear, clock_jumps=jumps)
    return heard


def test_the_earliest_turn_comes_first_and_equals_go_in_order() -> None:
    lanes = [lane("a", 2.0), lane("b", 1.0)]
    assert played(lanes, 4.0) == [("a", 0), ("b", 0), ("b", 1), ("a", 2), ("b", 2), ("b", 3)]


def test_a_slow_turn_costs_the_others_no_time() -> None:
    lanes = [lane("slow", 1.5, takes_s=1.2), lane("quick", 0.5)]
    heard = played(lanes, 3.0)
    assert [at_s for name, at_s in heard if name == "quick"] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_all_clocks_stand_at_the_end() -> None:
    lanes = [lane("a", 7.0, start_s=100.0), lane("b", 1.0)]
    played(lanes, 10.0)
    assert [lane.clock.monotonic() for lane in lanes] == [110.0, 10.0]


def test_a_second_play_goes_on_where_the_first_ended() -> None:
    lanes = [lane("a", 1.0)]
    assert played(lanes, 2.0) + played(lanes, 2.0) == [("a", 0), ("a", 1), ("a", 2), ("a", 3)]


def test_the_wall_clock_jumps_for_every_lane_once() -> None:
    lanes = [lane("a", 1.0), lane("b", 1.0)]
    before = lanes[0].clock.stamp().wall_ms
    played(lanes, 5.0, (ClockJump(at_s=2.0, by_s=3600.0), ClockJump(at_s=3.0, by_s=-60.0)))  # type: ignore[arg-type]
    assert [lane.clock.stamp().wall_ms - before for lane in lanes] == [(5 + 3600 - 60) * 1000] * 2


def test_a_poller_that_lets_no_time_pass_is_found_out() -> None:
    with pytest.raises(RuntimeError, match="no time pass"):
        played([lane("mad", 0.0)], 1.0)
