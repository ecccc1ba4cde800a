"""Runs pollers in virtual time: a discrete-event loop that always turns the one whose moment comes first.

Each poller has a virtual clock of its own, as each has a thread of its own in the daemon: what one waits for costs the
others no time. The same pollers give the same news in the same order on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final, Protocol

from sensor_gateway.simulation.chips.chip import EARLY_S
from sensor_gateway.simulation.scenario import ClockJump
from sensor_gateway.simulation.virtual_clock import VirtualClock

MOST_TURNS_AT_ONCE: Final = 100_000
END_S: Final = 1e-5
"""What falls due this shortly before the end counts as due at the end, and is left out."""


class Stepper(Protocol):
    """Anything that runs in turns."""

    def step(self) -> float:
        """One turn; the seconds until it wants the next."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A poller and the clock that nobody else moves."""

    stepper: Stepper
    clock: VirtualClock


def play(
    lanes: Sequence[Lane],
    *,
    seconds: float,
    after_step: Callable[[Lane], None],
    clock_jumps: Sequence[ClockJump] = (),
) -> None:
    """Play ``seconds`` of virtual time from each clock's now, its end left out; then all clocks stand at the end.

    ``after_step`` is called after each turn, so that its news can be drained in order. Turns of one moment go in the
    order of ``lanes``. A turn that has begun is finished; listening for what may come ends at the end.
    RuntimeError for a poller that turns without end and lets no time pass.
    """
    zeros = [lane.clock.monotonic() for lane in lanes]
    for lane, zero_s in zip(lanes, zeros, strict=True):
        lane.clock.limit_s = zero_s + seconds - END_S
    due = [(0.0, place) for place in range(len(lanes))]
    heapify(due)
    jumped = [0] * len(lanes)
    turns = [(0.0, 0)] * len(lanes)
    while due and due[0][0] < seconds - END_S - EARLY_S:
        at_s, place = heappop(due)
        lane = lanes[place]
        lane.clock.advance_to(zeros[place] + at_s)
        jumped[place] = _jump(lane.clock, clock_jumps, jumped[place], at_s)
        wait_s = lane.stepper.step()
        after_step(lane)
        next_s = lane.clock.monotonic() - zeros[place] + max(0.0, wait_s)
        turns[place] = (next_s, turns[place][1] + 1 if next_s <= turns[place][0] else 0)
        if turns[place][1] > MOST_TURNS_AT_ONCE:
            raise RuntimeError(f"{lane.stepper!r} turns and lets no time pass at {next_s} s")
        heappush(due, (next_s, place))
    for lane, zero_s in zip(lanes, zeros, strict=True):
        lane.clock.advance_to(zero_s + seconds)


def _jump(clock: VirtualClock, jumps: Sequence[ClockJump], done: int, at_s: float) -> int:
    """Set the wall clock by the jumps that are due and not yet done; how many are done now."""
    for jump in jumps[done:]:
        if jump.at_s > at_s:
            break
        clock.jump_wall(jump.by_s)
        done += 1
    return done
