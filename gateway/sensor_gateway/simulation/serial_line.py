"""A serial line with devices in software at its other end: slaves that answer, and talkers that speak by themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.simulation.chips.chip import EARLY_S, Slave, Talker
from sensor_gateway.simulation.damage import damaged, shortened
from sensor_gateway.simulation.disturbances import Disturbances
from sensor_gateway.simulation.passing import Passing
from sensor_gateway.simulation.scenario import FaultKind, LinkFault

BUFFER_BYTES: Final = 4096
"""What Linux keeps of unread input (N_TTY_BUF_SIZE); what comes on top of it is lost."""

MUTE: Final = {FaultKind.UNPLUG, FaultKind.SILENCE, FaultKind.STUCK, FaultKind.NACK}
"""A device that suffers one of these says nothing: a serial line knows no acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredSlave:
    """A slave and the sensors that it answers for."""

    device: Slave
    sensors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredTalker:
    """A talker and the sensor that it speaks for."""

    device: Talker
    sensors: tuple[str, ...]


class SimulatedLine:
    """One line. Works with a real clock (a read waits) and with a VirtualClock (a read moves it).

    One thread at a time writes and reads; ``wake`` may come from any. ``wired_of`` tells what is
    at the other end for other sensors.
    """

    def __init__(
        self,
        name: str,
        *,
        slaves: Sequence[WiredSlave] = (),
        talkers: Sequence[WiredTalker] = (),
        clock: Clock,
        faults: Sequence[LinkFault] = (),
    ) -> None:
        """The simulation's time begins now."""
        self.name = name
        self.wired_of: Callable[[Sequence[SensorPlan]], tuple[list[WiredSlave], list[WiredTalker]]] | None = None
        self._slaves = tuple(slaves)
        self._talkers = tuple(talkers)
        self._clock = clock
        self._zero_s = clock.monotonic()
        self._passing = Passing(clock)
        sensors = {sensor for slave in slaves for sensor in slave.sensors} | {
            sensor for talker in talkers for sensor in talker.sensors
        }
        self._faults = tuple(faults)
        self._disturbances = Disturbances(faults, bus=name, sensors=sensors)
        self._coming: list[tuple[float, int, bytes]] = []
        self._sent = 0
        self._buffer = bytearray()
        self._is_open = False

    def open(self) -> None:
        """Be ready; idempotent. What was said before is not heard. BusMissing while a scenario has it unplugged."""
        now_s = self._now_s()
        if self._disturbances.is_bus_unplugged(now_s):
            self.close()
            raise BusMissing(f"the simulated line {self.name} is unplugged, as its scenario says")
        if not self._is_open:
            self._gather(now_s)
            self._buffer.clear()
        self._is_open = True

    def close(self) -> None:
        """Let go; idempotent."""
        self._is_open = False

    def rewire(self, sensors: Sequence[SensorPlan], kept: Collection[str]) -> None:
        """Have a device for each of ``sensors``; those that answer for names ``kept`` alone stay as they are."""
        if self.wired_of is None:
            return
        slaves, talkers = self.wired_of(sensors)
        old_slaves = {wired.sensors: wired for wired in self._slaves if set(wired.sensors) <= set(kept)}
        old_talkers = {wired.sensors: wired for wired in self._talkers if set(wired.sensors) <= set(kept)}
        now_s = self._now_s()
        for wired in talkers:
            while wired.sensors not in old_talkers and wired.device.next_s <= now_s:
                wired.device.say()  # what it would have said before it was there
        self._slaves = tuple(old_slaves.get(wired.sensors, wired) for wired in slaves)
        self._talkers = tuple(old_talkers.get(wired.sensors, wired) for wired in talkers)
        names = {sensor for wired in slaves for sensor in wired.sensors}
        names |= {sensor for wired in talkers for sensor in wired.sensors}
        self._disturbances = Disturbances(self._faults, bus=self.name, sensors=names)

    def write(self, data: bytes, timeout_s: float) -> None:
        """Let the slaves hear ``data``; takes no time, so that ``timeout_s`` never passes."""
        del timeout_s
        now_s = self._ready_s()
        for wired in self._slaves:
            answer = wired.device.hear(data, now_s)
            if answer is not None:
                after_s, content = answer
                self._send(now_s + after_s, content, wired.sensors)

    def read(self, timeout_s: float) -> bytes:
        """What is there, as soon as there is any; b"" at the timeout, at the clock's limit, or after ``wake``."""
        now_s = self._ready_s()
        deadline_s = now_s + timeout_s
        if not self._slaves:
            deadline_s = min(deadline_s, self._passing.limit_s - self._zero_s)
        if self._passing.take_interrupt():
            return b""
        while True:
            self._gather(now_s)
            if self._buffer:
                return _emptied(self._buffer)
            if now_s >= deadline_s:
                return b""
            wanted_s = min(deadline_s, self._next_s(now_s))
            # At least EARLY_S: a difference lost in rounding must not keep a virtual clock from ever getting there.
            if self._passing.wait(max(wanted_s - now_s, EARLY_S)):
                return b""
            now_s = self._ready_s()

    def discard(self) -> int:
        """Drop what came in and was not read; how many bytes that were."""
        self._gather(self._ready_s())
        return len(_emptied(self._buffer))

    def wake(self) -> None:
        """Let a waiting read, or else the next one, return b"" at once. Any thread."""
        self._passing.interrupt()

    def _now_s(self) -> float:
        return self._clock.monotonic() - self._zero_s

    def _ready_s(self) -> float:
        """Now, on a line that is open and plugged."""
        now_s = self._now_s()
        if self._disturbances.is_bus_unplugged(now_s):
            self.close()
            raise BusMissing(f"the simulated line {self.name} is unplugged, as its scenario says")
        if not self._is_open:
            raise BusMissing(f"the simulated line {self.name} is not open")
        return now_s

    def _next_s(self, now_s: float) -> float:
        talking_s = min((wired.device.next_s for wired in self._talkers), default=float("inf"))
        coming_s = self._coming[0][0] if self._coming else float("inf")
        return min(talking_s, coming_s, self._disturbances.next_edge_s(now_s))

    def _gather(self, now_s: float) -> None:
        """Take in all that has arrived by now."""
        limit_s = now_s + EARLY_S
        for wired in self._talkers:
            while wired.device.next_s <= limit_s:
                said_s = wired.device.next_s
                self._send(said_s, wired.device.say(), wired.sensors)
        while self._coming and self._coming[0][0] <= limit_s:
            self._buffer += heappop(self._coming)[2]
        del self._buffer[BUFFER_BYTES:]

    def _send(self, at_s: float, content: bytes, sensors: tuple[str, ...]) -> None:
        if self._disturbances:
            struck = self._disturbances.strike(sensors, at_s)
            if not MUTE.isdisjoint(struck):
                return
            if FaultKind.DELAY in struck:
                at_s += struck[FaultKind.DELAY].by_s
            if FaultKind.CRC in struck:
                content = damaged(content)
            if FaultKind.SHORT in struck:
                content = shortened(content)
        self._sent += 1
        heappush(self._coming, (at_s, self._sent, content))


def _emptied(buffer: bytearray) -> bytes:
    """What was in it."""
    content = bytes(buffer)
    buffer.clear()
    return content
