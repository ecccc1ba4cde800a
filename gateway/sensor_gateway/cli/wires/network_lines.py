"""What ``scan`` sees of the buses on the network: those that are configured, and whether they can be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sensor_gateway.config.sections.buses import ModbusTcpBusSection, TcpBusSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import GatewayError
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.logs import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLine:
    """One configured bus on the network. ``trouble`` says why it cannot be reached; empty where it can."""

    bus: str
    type: str
    host: str
    port: int
    sensors: tuple[SensorPlan, ...]
    trouble: str


def network_lines(configuration: Configuration, plans: Mapping[str, SensorPlan], clock: Clock) -> Iterator[NetworkLine]:
    """Connect to each, send nothing, and hang up."""
    for name, section in configuration.buses.items():
        if not isinstance(section, TcpBusSection | ModbusTcpBusSection):
            continue
        sensors = tuple(plan for plan in plans.values() if configuration.sensors[plan.name].bus == name)
        bus, trouble = make_bus(name, section, sensors, clock), ""
        try:
            bus.open()
        except GatewayError as error:
            trouble = str(error)
        finally:
            bus.close()
        yield NetworkLine(
            bus=name, type=section.type, host=section.host, port=section.port, sensors=sensors, trouble=trouble
        )


def rows(lines: Sequence[NetworkLine]) -> Iterator[str]:
    """For people, line by line."""
    if lines:
        yield "lines on the network"
    for line in lines:
        sensors = ", ".join(map(on_line, line.sensors)) or "no sensor"
        name = f"{line.bus}{' is missing' if line.trouble else ''}"
        yield f"  {escape(line.host)}:{line.port}  {line.type}  {name}: {sensors}"
        if line.trouble:
            yield f"        {escape(line.trouble)}"


def facts(lines: Sequence[NetworkLine]) -> list[dict[str, object]]:
    """For programs."""
    return [
        {
            "bus": line.bus,
            "type": line.type,
            "host": line.host,
            "port": line.port,
            "sensors": [plan.name for plan in line.sensors],
            "missing": bool(line.trouble),
            "trouble": line.trouble or None,
        }
        for line in lines
    ]


def on_line(plan: SensorPlan) -> str:
    """A sensor on a line that several may share."""
    return f"{plan.name} (unit {plan.address})" if plan.spec.needs_unit else plan.name
