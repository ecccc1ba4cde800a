"""Those around a server of visitors, as a test has them: its clock, its log, and who examines the gateway for it."""

from __future__ import annotations

from collections.abc import Callable

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.model.vitals.gateway_health import Health


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def stamp(self) -> Stamp:
        return Stamp(uptime_ms=round(self.now_s * 1000), wall_ms=0, clock=ClockState.SYNCED)


class FakeExamined:
    """The publisher's side: it answers when the test says so."""

    def __init__(self) -> None:
        self.newest: Health | None = None
        self.asked: list[Callable[[], None]] = []

    def ask(self, ring: Callable[[], None]) -> None:
        self.asked.append(ring)

    def examine(self, found: Health) -> None:
        self.newest = found
        while self.asked:
            self.asked.pop()()


class FakeLog:
    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.said.append((event, facts))

    debug = warning = error = info
