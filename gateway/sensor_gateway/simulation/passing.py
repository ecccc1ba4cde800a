"""How time passes on a simulated wire: a virtual clock is moved, a real one is waited for."""

from __future__ import annotations

import threading
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.simulation.virtual_clock import VirtualClock

LONGEST_WAIT_S: Final = 3600.0


class Passing:
    """Lets time pass on one clock, until ``interrupt`` cuts it short."""

    def __init__(self, clock: Clock) -> None:
        """``clock`` decides how: a VirtualClock jumps, any other is waited for."""
        self._clock = clock
        self._interrupted = threading.Event()

    @property
    def limit_s(self) -> float:
        """The moment at which those who merely listen stop."""
        return self._clock.limit_s if isinstance(self._clock, VirtualClock) else float("inf")

    def wait(self, seconds: float) -> bool:
        """Let ``seconds`` pass; True when ``interrupt`` was called since the last wait, and then at once."""
        if isinstance(self._clock, VirtualClock):
            if self.take_interrupt():
                return True
            self._clock.advance(max(0.0, seconds))
            return False
        self._interrupted.wait(min(max(0.0, seconds), LONGEST_WAIT_S))
        return self.take_interrupt()

    def take_interrupt(self) -> bool:
        """Whether ``interrupt`` was called since this was last asked, or met by a wait."""
        if not self._interrupted.is_set():
            return False
        self._interrupted.clear()
        return True

    def interrupt(self) -> None:
        """End the present wait, or the next one. Any thread."""
        self._interrupted.set()
