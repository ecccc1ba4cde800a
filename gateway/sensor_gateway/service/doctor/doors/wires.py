"""Reads what there is of the configured buses and ports, and asks the sensors where no gateway does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sensor_gateway.config.sections.buses import (
    BusSection,
    I2cBusSection,
    ModbusTcpBusSection,
    SerialBusSection,
    TcpBusSection,
)
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.sensing.bus import Bus
from sensor_gateway.sensing.i2c import kernel_driver, number_of
from sensor_gateway.sensing.lock_holder import known_holder
from sensor_gateway.sensing.once import read_once
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.doctor.doors.opening import UsedBus, opened, used_buses
from sensor_gateway.service.doctor.judges.wires import SensorFacts, Taken, WireFacts

_CLOCK: Final = Path("of_node/clock-frequency")


def device_of(section: BusSection) -> Path | None:
    """The device node of a bus that has one."""
    match section:
        case I2cBusSection(path=path) | SerialBusSection(port=path):
            return path
        case _:
            return None


class WireDoor:
    """Looks at the buses of one configuration. ``is_running``: a gateway has them open; then none is opened here."""

    def __init__(
        self,
        configuration: Configuration,
        plans: Sequence[SensorPlan],
        clock: Clock,
        *,
        is_running: bool,
        sysfs: Path = Path("/sys"),
    ) -> None:
        """Nothing is opened yet."""
        self._configuration = configuration
        self._plans = plans
        self._clock = clock
        self._is_running = is_running
        self._sysfs = sysfs

    def look(self) -> Iterator[tuple[WireFacts, tuple[SensorFacts, ...]]]:
        """Each bus that a sensor uses, with its sensors, one after the other."""
        for used in used_buses(self._configuration, self._plans):
            yield self._bus(used)

    def _bus(self, used: UsedBus) -> tuple[WireFacts, tuple[SensorFacts, ...]]:
        name, section, plans = used.name, used.section, used.plans
        device = device_of(section)
        if self._is_running:
            trouble, sensors = None, tuple(_left(name, plan, "a gateway runs") for plan in plans)
        else:
            trouble, sensors = self._tried(used)
        is_i2c = isinstance(section, I2cBusSection) and device is not None
        facts = WireFacts(
            name=name,
            device=_shown(section),
            trouble=trouble,
            is_there=device is None or device.exists(),
            holder="" if device is None else known_holder(device.resolve()),
            set_hz=round(section.frequency) if isinstance(section, I2cBusSection) else None,
            real_hz=self._real_hz(device) if is_i2c and device is not None else None,
            taken=tuple(self._taken(device, plans)) if is_i2c and device is not None else (),
        )
        return facts, sensors

    def _tried(self, used: UsedBus) -> tuple[str | None, tuple[SensorFacts, ...]]:
        with opened(used, self._clock) as opening:
            if opening.bus is not None:
                return "", tuple(self._asked(opening.bus, used.name, plan) for plan in used.plans)
            reason = "its bus cannot be opened" if opening.is_made else "its bus cannot be made"
            left = tuple(_left(used.name, plan, opening.why if opening.is_used else reason) for plan in used.plans)
            return None if opening.is_used else opening.why, left

    def _asked(self, bus: Bus, name: str, plan: SensorPlan) -> SensorFacts:
        if plan.spec.bus is BusKind.SERIAL_STREAM:
            return _left(name, plan, f"it talks by itself, every {plan.interval_s:g} s or so")
        result = read_once(bus, plan, self._clock)
        return SensorFacts(name=plan.name, bus=name, failure="" if result.values is not None else result.failure)

    def _taken(self, device: Path, plans: Sequence[SensorPlan]) -> Iterator[Taken]:
        number = number_of(device)
        for plan in plans:
            driver = kernel_driver(number, plan.address, sysfs=self._sysfs)
            if driver:
                yield Taken(sensor=plan.name, address=plan.address, driver=driver, bus_number=number)

    def _real_hz(self, device: Path) -> int | None:
        """As the device tree has it: one cell, most significant byte first; None where it has none."""
        try:
            cell = (self._sysfs / "bus" / "i2c" / "devices" / f"i2c-{number_of(device)}" / _CLOCK).read_bytes()
        except OSError:
            return None
        return int.from_bytes(cell, "big") if len(cell) == 4 else None


def _left(bus: str, plan: SensorPlan, reason: str) -> SensorFacts:
    return SensorFacts(name=plan.name, bus=bus, failure=None, reason=reason)


def _shown(section: BusSection) -> str:
    match section:
        case I2cBusSection(path=path) | SerialBusSection(port=path):
            return str(path)
        case TcpBusSection(host=host, port=port) | ModbusTcpBusSection(host=host, port=port):
            return f"{host}:{port}"
        case _:
            return f"the {section.type} bus"
