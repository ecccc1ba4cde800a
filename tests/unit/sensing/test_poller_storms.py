"""Whatever goes wrong at whatever time: once it is over, all is well again, and nobody was silent meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.errors import (
    BadFrame,
    BusMissing,
    BusRefused,
    BusStuck,
    Nack,
    NoAnswer,
    NotReady,
    OverRange,
    WireError,
    WrongChip,
)

ALL = -1
HEARTBEATS = 300 / 5
TURNS = {("first", "fault"), ("fault", "recovery"), ("recovery", "fault")}
ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: Nack("x"),
    lambda: NoAnswer("x"),
    lambda: WireError("x"),
    lambda: BusStuck("x"),
    lambda: BusMissing("x"),
    lambda: BusRefused("x"),
    lambda: BadFrame("x"),
    lambda: OverRange("x"),
    lambda: NotReady("x"),
    lambda: WrongChip("x", expected=1, got=2),
    lambda: SystemExit("x"),
)


@dataclass(frozen=True)
class Trouble:
    """What strikes one sensor, or ``ALL``, at one of its steps (None: at each)."""

    whom: int
    from_s: float
    for_s: float
    error: Callable[[], BaseException]
    step: bytes | None

    def strikes(self, whom: int, now_s: float, step: bytes) -> bool:
        is_time = self.from_s <= now_s < self.from_s + self.for_s
        return is_time and self.whom in (ALL, whom) and self.step in (None, step)


TROUBLES = st.builds(
    Trouble,
    st.integers(ALL, 3),
    st.floats(0, 100),
    st.floats(0, 60),
    st.sampled_from(ERRORS),
    st.sampled_from([b"\x1d", b"\x5e", b"\x00", None]),
)


@settings(max_examples=examples(100), deadline=None)
@given(
    intervals=st.lists(st.sampled_from([0.5, 1.0, 7.0, 20.0]), min_size=1, max_size=4),
    troubles=st.lists(TROUBLES, max_size=8),
)
def test_after_any_storm_every_sensor_is_online_on_its_beat_and_none_was_silent(
    make_rig: Any, intervals: list[float], troubles: list[Trouble]
) -> None:
    rig = make_rig()

    def chip_of(number: int) -> Callable[[bytes, int], bytes]:
        def chip(data: bytes, count: int) -> bytes:
            for trouble in troubles:
                if trouble.strikes(number, rig.clock.monotonic(), data):
                    raise trouble.error()
            return bytes([20] * count)

        return chip

    for number, interval_s in enumerate(intervals):
        rig.add(f"s{number}", address=0x10 + number, interval_s=interval_s, heartbeat_ms=5000, chip=chip_of(number))
    rig.run(300)
    for number, interval_s in enumerate(intervals):
        told = [event for event in rig.events if event.source.sensor == f"s{number}"]
        assert len(told) >= HEARTBEATS - 5, "a heartbeat may come with the poll that is due soon"
        assert told[-1].value == 20.0
        changes = [event.reason.value for event in told if event.reason.value != "heartbeat"]
        assert set(pairwise(changes)) <= TURNS
        assert rig.health(f"s{number}")[-1] == ("online", None)
        beats = [moment / interval_s for moment in rig.bus.moments(0x10 + number, b"\x00") if moment > 260]
        assert len(beats) >= 40 / interval_s - 1
        assert all(abs(beat - round(beat)) * interval_s < 0.06 for beat in beats)
