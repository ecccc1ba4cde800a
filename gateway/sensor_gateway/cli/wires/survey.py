"""What ``scan`` sees: every bus and port of the machine beside what the configuration says of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sensor_gateway.cli.wires.network_lines import NetworkLine, network_lines
from sensor_gateway.config.sections.buses import I2cBusSection, LinuxBusSection, SerialBusSection, SimulatedBusSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.errors import GatewayError, OperatorError
from sensor_gateway.sensing.bus import I2cBus
from sensor_gateway.sensing.catalogue import DriverBroken, DriverCatalogue
from sensor_gateway.sensing.i2c import KernelI2cBus
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.scan.bus_scan import BusScan, Place, scan_bus
from sensor_gateway.sensing.scan.candidates import Candidate, candidates
from sensor_gateway.sensing.scan.machine import I2cNode, Machine, PortNode
from sensor_gateway.sensing.sysfs.devices import FoundDevice
from sensor_gateway.sensing.sysfs.devices import devices as found_devices
from sensor_gateway.sensing.sysfs.proposal import as_sensor, device_of
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.plans import sensor_plans


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSeen:
    """One I2C bus. ``name`` is what a configuration calls it; ``node`` is None where the machine has no such bus.

    ``sensors`` are those configured on it, by address. ``scan`` is None for a bus that was left alone.
    """

    name: str
    node: I2cNode | None
    sensors: Mapping[int, SensorPlan]
    scan: BusScan | None
    behind: Mapping[int, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[SensorPlan, ...]:
        """The configured sensors that nobody answered for, where all could be asked."""
        if self.scan is None or self.scan.trouble is not None:
            return ()
        there = {finding.address for finding in self.scan.findings} | set(self.owned)
        return tuple(plan for address, plan in self.sensors.items() if address not in there)

    @property
    def owned(self) -> Mapping[int, str]:
        """The addresses that kernel drivers own, with their names."""
        return {} if self.node is None else self.node.owned


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSeen:
    """One serial port; ``bus`` and ``sensors`` are the name that a configuration gives it and what is on it.

    ``is_missing``: it is configured, and the machine has no such port.
    """

    node: PortNode
    bus: str
    sensors: tuple[SensorPlan, ...]
    is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSeen:
    """One device that the kernel measures with. ``proposal`` is its section as a sensor, None where it has none.

    ``sensors`` are the names of those that read it.
    """

    device: FoundDevice
    proposal: Mapping[str, object] | None
    sensors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that was seen. ``no_bus`` is what to do where the machine has no I2C bus at all.

    ``lost`` are configured sensors whose device the kernel does not have, or has several of; those on a serial port
    or line that is missing stand with that one.
    """

    buses: tuple[BusSeen, ...]
    ports: tuple[PortSeen, ...]
    lines: tuple[NetworkLine, ...]
    devices: tuple[DeviceSeen, ...]
    lost: tuple[SensorPlan, ...]
    no_bus: GatewayError | None
    taken: frozenset[str]
    """Names of sensors and buses that are in use."""


class Surveyor:
    """Looks at one machine, by the drivers that are installed and by a configuration where there is one."""

    def __init__(
        self, machine: Machine, catalogue: DriverCatalogue, configuration: Configuration, clock: Clock
    ) -> None:
        """Nothing is looked at yet."""
        self._machine = machine
        self._configuration = configuration
        self._clock = clock
        self._kinds = candidates(dict(_usable(catalogue)))
        self._plans = {plan.name: plan for plan in sensor_plans(configuration, catalogue)}

    def look(self, wanted: Sequence[str]) -> Survey:
        """Scan the buses of these names, or all but those of displays. OperatorError for a name that is no bus."""
        nodes = self._machine.i2c_nodes()
        absent = [name for name in self._on_i2c() if self._node(name, nodes) is None]
        known = {*(self._name(node) for node in nodes), *(node.name for node in nodes), *absent}
        known |= {str(node.path) for node in nodes}
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise OperatorError(f"there is no I2C bus {unknown[0]}; there are: {', '.join(sorted(known)) or 'none'}")
        seen: list[BusSeen] = []
        for node in nodes:
            is_named = not {self._name(node), node.name, str(node.path)}.isdisjoint(wanted)
            if is_named or not (wanted or node.is_display):
                seen.append(self._scanned(node, seen))
            elif not wanted:
                seen.append(BusSeen(name=self._name(node), node=node, sensors={}, scan=None))
        seen.extend(self._absent(name) for name in absent if not wanted or name in wanted)
        there = found_devices(self._machine.sysfs)
        readers = list(self._readers(there))
        devices = (
            DeviceSeen(
                device=device,
                proposal=as_sensor(device, there),
                sensors=tuple(plan.name for plan, found in readers if found == [device]),
            )
            for device in there
        )
        return Survey(
            buses=tuple(seen),
            ports=() if wanted else tuple(self._ports()),
            lines=() if wanted else tuple(network_lines(self._configuration, self._plans, self._clock)),
            devices=() if wanted else tuple(devices),
            lost=() if wanted else tuple(plan for plan, found in readers if len(found) != 1),
            no_bus=None if nodes or absent else self._refusal(),
            taken=frozenset((*self._configuration.sensors, *self._configuration.buses)),
        )

    def _on_i2c(self) -> list[str]:
        """The configured I2C buses, those in software among them."""
        return [
            name
            for name, section in self._configuration.buses.items()
            if isinstance(section, I2cBusSection)
            or (isinstance(section, SimulatedBusSection) and section.kind == "i2c")
        ]

    def _name(self, node: I2cNode) -> str:
        """The key of its section, else the name that it has without one."""
        return next((name for name in self._on_i2c() if self._node(name, (node,)) is not None), node.name)

    def _node(self, name: str, nodes: Sequence[I2cNode]) -> I2cNode | None:
        section = self._configuration.buses[name]
        if not isinstance(section, I2cBusSection):
            return None
        path = section.path.resolve()
        return next((node for node in nodes if node.path.resolve() == path or node.name == name), None)

    def _sensors(self, name: str) -> dict[int, SensorPlan]:
        sensors = self._configuration.sensors
        return {plan.address: plan for plan in self._plans.values() if sensors[plan.name].bus == name}

    def _scanned(self, node: I2cNode, seen: Sequence[BusSeen]) -> BusSeen:
        name = self._name(node)
        sensors = self._sensors(name)
        parent = next((bus for bus in seen if bus.node is not None and bus.node.number == node.parent), None)
        behind = {} if parent is None else _addresses(parent)
        bus = KernelI2cBus(name, node.path, sysfs=self._machine.sysfs)
        place = Place(owned=node.owned, behind=behind, expected=sensors)
        return BusSeen(name=name, node=node, sensors=sensors, scan=self._scan(bus, place), behind=behind)

    def _absent(self, name: str) -> BusSeen:
        """A configured bus that is no node of this machine: one in software, or one that is missing."""
        sensors = self._sensors(name)
        bus = make_bus(name, self._configuration.buses[name], list(sensors.values()), self._clock)
        if not isinstance(bus, I2cBus):
            raise OperatorError(f"{name} is no I2C bus")
        return BusSeen(name=name, node=None, sensors=sensors, scan=self._scan(bus, Place(expected=sensors)))

    def _scan(self, bus: I2cBus, place: Place) -> BusScan:
        return scan_bus(bus, self._kinds, place, clock=self._clock, wait=threading.Event().wait)

    def _readers(self, there: Sequence[FoundDevice]) -> Iterator[tuple[SensorPlan, list[FoundDevice]]]:
        """The sensors that the kernel measures with, and the devices that fit each."""
        for plan in self._plans.values():
            section = self._configuration.buses[self._configuration.sensors[plan.name].bus]
            if isinstance(section, LinuxBusSection) and (wanted := device_of(plan)) is not None:
                yield plan, [device for device in there if device.fits(wanted)]

    def _refusal(self) -> GatewayError | None:
        """What the door says of the bus that every Raspberry Pi has."""
        bus = KernelI2cBus("i2c1", self._machine.i2c_path("1"), sysfs=self._machine.sysfs)
        try:
            bus.open()
        except GatewayError as error:
            return error
        bus.close()
        return None

    def _ports(self) -> Iterator[PortSeen]:
        """The ports of the machine, and those that are configured and not among them."""
        configured = {
            name: Path(section.port)
            for name, section in self._configuration.buses.items()
            if isinstance(section, SerialBusSection)
        }
        sensors = self._configuration.sensors
        on = {
            name: tuple(plan for plan in self._plans.values() if sensors[plan.name].bus == name) for name in configured
        }
        for node in self._machine.ports():
            name = next((name for name, port in configured.items() if port.resolve() == node.device), "")
            configured.pop(name, None)
            yield PortSeen(node=node, bus=name, sensors=on.get(name, ()))
        for name, port in configured.items():
            node = PortNode(path=port, device=port.resolve(), trouble="")
            yield PortSeen(node=node, bus=name, sensors=on[name], is_missing=not port.exists())


def _addresses(bus: BusSeen) -> dict[int, str]:
    """Where somebody is on a bus: there, none of its channels can have anybody."""
    there = [*bus.behind, *bus.owned, *(finding.address for finding in (bus.scan.findings if bus.scan else ()))]
    return dict.fromkeys(there, bus.name)


def _usable(catalogue: DriverCatalogue) -> Iterator[tuple[str, DriverSpec]]:
    for name in catalogue.names():
        try:
            yield name, catalogue.spec(name)
        except DriverBroken:
            continue  # `sensor-gateway drivers` tells


def is_of_kind(plan: SensorPlan, kind: Candidate) -> bool:
    """Whether a configured sensor is of that kind."""
    return plan.variant in kind.names
