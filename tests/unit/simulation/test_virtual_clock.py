from __future__ import annotations

import pytest

from sensor_gateway.model.reading import ClockState
from sensor_gateway.simulation.virtual_clock import VirtualClock


def test_time_stands_still_until_it_is_told_to_move() -> None:
    clock = VirtualClock(start_s=3.0, boot_s=100.0, wall_ms=1_000)
    assert clock.monotonic() == 3.0
    clock.advance(1.5)
    assert clock.monotonic() == 4.5
    assert (clock.stamp().uptime_ms, clock.stamp().wall_ms) == (101_500, 2_500)


def test_monotonic_time_never_goes_back() -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1.0)
    clock.advance_to(5.0)
    clock.advance_to(1.0)
    assert clock.monotonic() == 5.0


def test_a_jump_of_the_wall_clock_moves_nothing_else() -> None:
    clock = VirtualClock(boot_s=1.0, wall_ms=10_000)
    clock.jump_wall(-5.0)
    assert clock.stamp().wall_ms == 5_000
    assert clock.stamp().uptime_ms == 1_000
    assert clock.monotonic() == 0.0


def test_boot_wall_and_state_can_be_set() -> None:
    clock = VirtualClock(start_s=7.0)
    clock.set_boot(2.0)
    clock.set_wall(123_456)
    clock.state = ClockState.UNSYNCED
    stamp = clock.stamp()
    assert (stamp.uptime_ms, stamp.wall_ms, stamp.clock) == (2_000, 123_456, ClockState.UNSYNCED)
