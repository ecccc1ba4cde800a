"""From a bus section of the configuration to a bus: a real one through its door, or one in software."""

from __future__ import annotations

from collections.abc import Sequence

from sensor_gateway.config.sections.buses import (
    BusSection,
    I2cBusSection,
    LinuxBusSection,
    ModbusTcpBusSection,
    SerialBusSection,
    SimulatedBusSection,
    TcpBusSection,
)
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.sensing.bus import Bus
from sensor_gateway.sensing.i2c import KernelI2cBus
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.serial_port import SerialPort
from sensor_gateway.sensing.sysfs.door import KernelFiles
from sensor_gateway.sensing.tcp.line import TcpLine
from sensor_gateway.sensing.tcp.mbap import ModbusTcpLine
from sensor_gateway.service.plans import port_settings, tcp_settings
from sensor_gateway.service.scenarios import scenario_of
from sensor_gateway.simulation.scenario import Scenario


def make_bus(name: str, section: BusSection, sensors: Sequence[SensorPlan], clock: Clock) -> Bus:
    """The bus that the section describes, closed. ScenarioFaults where its scenario is wrong."""
    if isinstance(section, I2cBusSection):
        return KernelI2cBus(name, section.path)
    if isinstance(section, SerialBusSection):
        return SerialPort(name, port_settings(section))
    if isinstance(section, TcpBusSection | ModbusTcpBusSection):
        line = TcpLine(name, tcp_settings(section))
        return line if isinstance(section, TcpBusSection) else ModbusTcpLine(line)
    if isinstance(section, LinuxBusSection):
        return KernelFiles(name)
    return pretended_bus(name, section, sensors, clock, scenario=scenario_of(section))


def pretended_bus(
    name: str, section: BusSection, sensors: Sequence[SensorPlan], clock: Clock, *, scenario: Scenario | None
) -> Bus:
    """A bus in software in the place of any bus."""
    from sensor_gateway.simulation.build import simulated_bus  # noqa: PLC0415 - all chips, which real buses do not need

    seed = section.seed if isinstance(section, SimulatedBusSection) else 0
    if any(plan.spec.bus is BusKind.SYSFS for plan in sensors):
        return simulated_bus(name, "linux", sensors, seed=seed, scenario=scenario, clock=clock)
    if all(plan.spec.bus is BusKind.I2C for plan in sensors):
        return simulated_bus(name, "i2c", sensors, seed=seed, scenario=scenario, clock=clock)
    return simulated_bus(name, "serial", sensors, seed=seed, scenario=scenario, clock=clock)
