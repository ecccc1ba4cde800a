"""An I2C bus with chips in software behind it: the door that simulation puts in place of the kernel's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing, Nack, NoAnswer
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.simulation.chips.chip import I2cChip, I2cModel, Mounting
from sensor_gateway.simulation.damage import damaged, shortened
from sensor_gateway.simulation.disturbances import Disturbances
from sensor_gateway.simulation.passing import Passing
from sensor_gateway.simulation.scenario import FaultKind, LinkFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A place on the bus: which model is put there, for which sensor."""

    model: I2cModel
    mounting: Mounting


class SimulatedI2cBus:
    """Chips by address. Works with a real clock and with a VirtualClock; one thread at a time, as any bus.

    A chip that a scenario unplugs comes back fresh from power-on. ``sockets_of`` tells the
    places of other sensors.
    """

    def __init__(self, name: str, sockets: Sequence[Socket], *, clock: Clock, faults: Sequence[LinkFault] = ()) -> None:
        """The simulation's time begins now."""
        self.name = name
        self.sockets_of: Callable[[Sequence[SensorPlan]], Sequence[Socket]] | None = None
        self._clock = clock
        self._zero_s = clock.monotonic()
        self._passing = Passing(clock)
        self._sockets: Mapping[int, Socket] = {socket.mounting.address: socket for socket in sockets}
        self._chips: dict[int, I2cChip] = {
            address: socket.model(socket.mounting) for address, socket in self._sockets.items()
        }
        self._faults = tuple(faults)
        self._disturbances = Disturbances(faults, bus=name, sensors={socket.mounting.sensor for socket in sockets})
        self._is_calm = not self._disturbances
        self._replugged_s: dict[int, float] = {}
        self._is_open = False

    def open(self) -> None:
        """Be ready; idempotent. BusMissing while a scenario has the bus unplugged."""
        if self._disturbances.is_bus_unplugged(self._now_s()):
            self._is_open = False
            raise BusMissing(f"the simulated bus {self.name} is unplugged, as its scenario says")
        if not self._is_open:
            self._passing.take_interrupt()  # a close that ended no delay is over
        self._is_open = True

    def close(self) -> None:
        """Let go; idempotent. Ends a transaction that a scenario delays."""
        self._is_open = False
        self._passing.interrupt()

    def rewire(self, sensors: Sequence[SensorPlan], kept: Collection[str]) -> None:
        """Have a chip for each of ``sensors``; those of the names ``kept`` stay as they are."""
        if self.sockets_of is None:
            return
        chips, before = self._chips, self._sockets
        self._sockets = {socket.mounting.address: socket for socket in self.sockets_of(sensors)}
        self._chips = {}
        for address, socket in self._sockets.items():
            sensor = socket.mounting.sensor
            if sensor in kept and address in before and before[address].mounting.sensor == sensor:
                self._chips[address] = chips[address]
            else:
                self._chips[address] = socket.model(socket.mounting)
                self._replugged_s.pop(address, None)
        names = {socket.mounting.sensor for socket in self._sockets.values()}
        self._disturbances = Disturbances(self._faults, bus=self.name, sensors=names)
        self._is_calm = not self._disturbances

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """Write ``data`` if there is any, then read ``count`` bytes if any, in one transaction. Raises WireErrors."""
        if not self._is_open:
            raise BusMissing(f"the simulated bus {self.name} is not open")
        now_s = self._clock.monotonic() - self._zero_s
        if not self._is_calm:
            return self._disturbed(address, data, count, now_s)
        chip = self._chips.get(address)
        if chip is None:
            raise Nack(f"nobody acknowledges address 0x{address:02x} on {self.name}")
        if data or not count:
            chip.write(data, now_s)
        return chip.read(count, now_s) if count else b""

    def _now_s(self) -> float:
        return self._clock.monotonic() - self._zero_s

    def _disturbed(self, address: int, data: bytes, count: int, now_s: float) -> bytes:
        socket = self._sockets.get(address)
        sensors = () if socket is None else (socket.mounting.sensor,)
        struck = self._disturbances.strike(sensors, now_s)
        if FaultKind.DELAY in struck:
            self._passing.wait(struck[FaultKind.DELAY].by_s)
            now_s = self._now_s()
        self._refuse(struck, address, now_s)
        if socket is None:
            raise Nack(f"nobody acknowledges address 0x{address:02x} on {self.name}")
        chip = self._powered(address, socket, now_s)
        if data or not count:
            chip.write(data, now_s)
        answer = chip.read(count, now_s) if count else b""
        if FaultKind.CRC in struck:
            answer = damaged(answer)
        # A chip that stops in mid-answer leaves SDA high, and the master clocks in ones.
        return shortened(answer).ljust(count, b"\xff") if FaultKind.SHORT in struck else answer

    def _refuse(self, struck: Mapping[FaultKind, LinkFault], address: int, now_s: float) -> None:
        unplug = struck.get(FaultKind.UNPLUG)
        if self._disturbances.is_bus_unplugged(now_s):
            self._is_open = False
            raise BusMissing(f"the simulated bus {self.name} is unplugged, as its scenario says")
        if self._disturbances.is_stuck(now_s):
            # What an adapter reports while somebody holds the wire; that all fail is for the poller to see.
            raise NoAnswer(f"the transaction with 0x{address:02x} on {self.name} timed out")
        if unplug is not None or FaultKind.NACK in struck:
            raise Nack(f"nobody acknowledges address 0x{address:02x} on {self.name}")
        if FaultKind.SILENCE in struck:
            raise NoAnswer(f"the transaction with 0x{address:02x} on {self.name} timed out")

    def _powered(self, address: int, socket: Socket, now_s: float) -> I2cChip:
        replugged_s = self._disturbances.replugged_s(socket.mounting.sensor, now_s)
        if replugged_s is not None and replugged_s != self._replugged_s.get(address):
            self._replugged_s[address] = replugged_s
            self._chips[address] = socket.model(replace(socket.mounting, powered_s=replugged_s))
        return self._chips[address]
