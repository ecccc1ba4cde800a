"""The kernel's devices in software: the door that simulation puts in place of that to /sys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing, DeviceMissing, Nack, NoAnswer
from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.simulation.chips.chip import FilesModel, Mounting
from sensor_gateway.simulation.damage import damaged, shortened
from sensor_gateway.simulation.disturbances import Disturbances
from sensor_gateway.simulation.passing import Passing
from sensor_gateway.simulation.scenario import FaultKind, LinkFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A place among the devices: which model stands there, for which sensor."""

    model: FilesModel
    mounting: Mounting


class SimulatedFiles:
    """Devices by what they say of themselves. Works with a real clock (a read waits) and with a VirtualClock.

    ``shelves_of`` tells the places of other sensors.
    """

    def __init__(self, name: str, shelves: Sequence[Shelf], *, clock: Clock, faults: Sequence[LinkFault] = ()) -> None:
        """The simulation's time begins now."""
        self.name = name
        self.shelves_of: Callable[[Sequence[SensorPlan]], Sequence[Shelf]] | None = None
        self._clock = clock
        self._zero_s = clock.monotonic()
        self._passing = Passing(clock)
        self._shelves = tuple(shelves)
        self._devices = [shelf.model(shelf.mounting) for shelf in shelves]
        self._faults = tuple(faults)
        self._disturbances = Disturbances(faults, bus=name, sensors={shelf.mounting.sensor for shelf in shelves})
        self._replugged_s: dict[int, float] = {}
        self._is_open = False

    def open(self) -> None:
        """Be ready; idempotent. BusMissing while a scenario has all of it unplugged."""
        if self._disturbances.is_bus_unplugged(self._now_s()):
            self._is_open = False
            raise BusMissing(f"the simulated devices of {self.name} are unplugged, as their scenario says")
        if not self._is_open:
            self._passing.take_interrupt()  # a close that ended no read is over
        self._is_open = True

    def close(self) -> None:
        """Let go; idempotent. Ends a read that takes long."""
        self._is_open = False
        self._passing.interrupt()

    def rewire(self, sensors: Sequence[SensorPlan], kept: Collection[str]) -> None:
        """Have a device for each of ``sensors``; those of the names ``kept`` stay as they are."""
        if self.shelves_of is None:
            return
        places = {shelf.mounting.sensor: place for place, shelf in enumerate(self._shelves)}
        devices, replugged_s = self._devices, self._replugged_s
        self._shelves = tuple(self.shelves_of(sensors))
        self._devices, self._replugged_s = [], {}
        for place, shelf in enumerate(self._shelves):
            sensor = shelf.mounting.sensor
            before = places.get(sensor) if sensor in kept else None
            self._devices.append(shelf.model(shelf.mounting) if before is None else devices[before])
            if before is not None and before in replugged_s:
                self._replugged_s[place] = replugged_s[before]
        names = {shelf.mounting.sensor for shelf in self._shelves}
        self._disturbances = Disturbances(self._faults, bus=self.name, sensors=names)

    def read_file(self, device: KernelDevice, name: str) -> bytes:
        """What a file says when the kernel has measured. Raises WireError and its kinds."""
        if not self._is_open:
            raise BusMissing(f"the simulated devices of {self.name} are not open")
        place = next((place for place, each in enumerate(self._devices) if each.fits(device)), None)
        if place is None:
            raise DeviceMissing(f"there is no simulated device {device.name or device.path}")
        sensor = self._shelves[place].mounting.sensor
        now_s = self._now_s()
        struck = self._disturbances.strike((sensor,), now_s)
        if FaultKind.DELAY in struck:
            self._passing.wait(struck[FaultKind.DELAY].by_s)
            now_s = self._now_s()
        self._refuse(struck, f"{name} of {sensor}", now_s)
        self._power(place, now_s)
        took_s, content = self._devices[place].read(name, now_s)
        if took_s:
            self._passing.wait(took_s)
        if FaultKind.CRC in struck:
            content = damaged(content)
        return shortened(content) if FaultKind.SHORT in struck else content

    def _now_s(self) -> float:
        return self._clock.monotonic() - self._zero_s

    def _refuse(self, struck: Mapping[FaultKind, LinkFault], file: str, now_s: float) -> None:
        if self._disturbances.is_bus_unplugged(now_s):
            self._is_open = False
            raise BusMissing(f"the simulated devices of {self.name} are unplugged, as their scenario says")
        if FaultKind.UNPLUG in struck:
            raise DeviceMissing(f"{file} is gone: its device is unplugged, as its scenario says")
        if FaultKind.NACK in struck:
            raise Nack(f"{file}: the chip does not acknowledge")
        if FaultKind.SILENCE in struck or self._disturbances.is_stuck(now_s):
            raise NoAnswer(f"{file}: the chip does not answer in time")

    def _power(self, place: int, now_s: float) -> None:
        """A device that a scenario unplugs comes back fresh from power-on."""
        shelf = self._shelves[place]
        replugged_s = self._disturbances.replugged_s(shelf.mounting.sensor, now_s)
        if replugged_s is not None and replugged_s != self._replugged_s.get(place):
            self._replugged_s[place] = replugged_s
            self._devices[place] = shelf.model(replace(shelf.mounting, powered_s=replugged_s))
