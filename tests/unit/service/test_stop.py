"""How long a stop takes where each part of it takes as long as it may. Time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from sensor_gateway.service.daemon import STOP_WITHIN_S, stop_in_time
from sensor_gateway.service.history.history import ENDS_WITHIN_S
from sensor_gateway.simulation.virtual_clock import VirtualClock

CONTROL_S = 0.5
ASKING_S = 1.0


@dataclass
class House:
    """A gateway whose parts take all the time that they are given, and the control socket all that it takes itself."""

    is_shutdown: bool = False
    does_end: bool = True
    asking_s: float = ASKING_S
    control_s: float = CONTROL_S
    clock: VirtualClock = field(default_factory=VirtualClock)
    threads_s: float = 0.0
    close: tuple[bool, float] | None = None

    def stop(self) -> bool:
        exporter, supervisor = SimpleNamespace(stop=lambda: None), SimpleNamespace(stop=self._stop_threads)
        recoveries = SimpleNamespace(
            stop=lambda: None, close=lambda *, within_s: self.clock.advance(max(0.0, within_s))
        )
        gateway: Any = SimpleNamespace(
            supervisor=supervisor, exporter=exporter, recoveries=recoveries, close=self._close
        )
        control: Any = SimpleNamespace(close=lambda: self.clock.advance(self.control_s))
        return stop_in_time(gateway, control, self.clock, is_shutdown=self._ask)

    def _ask(self) -> bool:
        self.clock.advance(self.asking_s)
        return self.is_shutdown

    def _stop_threads(self, timeout_s: float) -> bool:
        self.threads_s = timeout_s
        self.clock.advance(timeout_s)
        return self.does_end

    def _close(self, *, to_flash: bool, within_s: float) -> None:
        self.close = to_flash, within_s
        self.clock.advance(within_s)


@pytest.mark.parametrize("does_end", [True, False])
@pytest.mark.parametrize("asking_s", [0.0, ASKING_S])
@pytest.mark.parametrize("control_s", [0.0, CONTROL_S])
def test_a_stop_ends_in_time_whatever_takes_long(does_end: bool, asking_s: float, control_s: float) -> None:  # noqa: FBT001 - the cases of a test
    house = House(does_end=does_end, asking_s=asking_s, control_s=control_s)
    assert house.stop() is does_end
    assert house.clock.monotonic() + ENDS_WITHIN_S <= STOP_WITHIN_S == 5.0
    assert house.threads_s >= 2.0


def test_a_gateway_with_a_thread_that_hangs_is_not_closed() -> None:
    house = House(does_end=False)
    assert not house.stop()
    assert house.close is None


def test_where_nothing_else_is_slow_the_publisher_has_the_time_for_its_goodbye() -> None:
    house = House(asking_s=0.0, control_s=0.0)
    house.stop()
    assert house.threads_s >= 3.0


def test_at_a_shutdown_threads_and_card_are_waited_for_since_memory_is_lost() -> None:
    house = House(is_shutdown=True)
    assert house.stop()
    assert house.threads_s == 4.5
    assert house.close is not None
    to_flash, within_s = house.close
    assert (to_flash, within_s) == (True, 60.0)
