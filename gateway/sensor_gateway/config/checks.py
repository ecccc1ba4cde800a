"""What is right on its own and wrong together: across sensors, across buses, and between keys of one section."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sensor_gateway.config.buses import BusEntry, implied_bus
from sensor_gateway.config.sensors import SensorEntry
from sensor_gateway.config.settings import (
    BusSection,
    I2cBusSection,
    MqttSection,
    OutboxSection,
    SerialBusSection,
    SimulatedBusSection,
    TlsSection,
)
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, joined
from sensor_gateway.config.values.near_miss import listed, near_miss
from sensor_gateway.model.driver_spec import BusKind

_I2C_LIKE: Final = re.compile(r"(?:/dev/)?(?:i2c|bus|smbus)?[-_. ]?([0-9]{1,4})")
_WIRES: Final = {BusKind.I2C: "i2c", BusKind.SERIAL_REQUEST: "serial", BusKind.SERIAL_STREAM: "serial"}


def check_sensors(
    sensors: Iterable[SensorEntry], declared: Mapping[str, BusEntry | None], report: Report
) -> dict[str, list[SensorEntry]]:
    """Every sensor has a bus of its kind, and what tells it from others on it. Returns the sensors by bus."""
    by_bus: dict[str, list[SensorEntry]] = defaultdict(list)
    for sensor in sensors:
        name = sensor.section.bus
        if name not in declared and implied_bus(name) is None:
            report.fault(sensor.place("bus"), joined(sensor.path, "bus"), _unknown_bus(name, declared))
            continue
        bus = bus_section(name, declared)
        if bus is not None and _wire(bus) != _WIRES[sensor.spec.bus]:
            message = (
                f"{sensor.section.driver} needs {_with_article(_WIRES[sensor.spec.bus])} bus, and `{name}` is "
                f"{_with_article(_wire(bus))} one"
            )
            report.fault(sensor.place("bus"), joined(sensor.path, "bus"), message)
            continue
        by_bus[name].append(sensor)
    for name, neighbours in by_bus.items():
        _check_neighbours(name, neighbours, report)
    return by_bus


def bus_section(name: str, declared: Mapping[str, BusEntry | None]) -> BusSection | None:
    """The section of a bus, declared or implied; None where it is not whole, or not known."""
    if name not in declared:
        return implied_bus(name)
    entry = declared[name]
    return entry.section if entry else None


def _wire(bus: BusSection) -> str:
    return bus.kind if isinstance(bus, SimulatedBusSection) else bus.type


def _with_article(wire: str) -> str:
    return "an I2C" if wire == "i2c" else "a serial"


def _unknown_bus(name: str, declared: Mapping[str, object]) -> str:
    i2c = _I2C_LIKE.fullmatch(name.lower())
    meant = f"i2c{i2c[1]}" if i2c else near_miss(name, declared)
    hint = f"; did you mean `{meant}`?" if meant else ""
    known = f"one of `buses:` ({listed(declared)}) or i2c1" if declared else "i2c1 and the like, or a key of `buses:`"
    return f"unknown bus `{name[:60]}`; expected {known}{hint}"


def _check_neighbours(bus: str, sensors: list[SensorEntry], report: Report) -> None:
    seen: dict[tuple[str, int], SensorEntry] = {}
    for sensor in sensors:
        key, number = _number(sensor)
        first = seen.setdefault((key, number), sensor)
        if first is not sensor:
            written = sensor.place(key)
            shown = f"{number:#04x}" if key == "address" else str(number)
            message = (
                f"{key} {shown} on {bus} is taken by sensor `{first.section.name}` at {first.place(key)}; "
                f"expected another {key}, or one sensor for both"
            )
            report.fault(written, joined(sensor.path, key), message)
    talkers = [sensor for sensor in sensors if sensor.spec.bus is BusKind.SERIAL_STREAM]
    for talker in talkers:
        others = [sensor for sensor in sensors if sensor is not talker]
        if others and (talker is not sensors[0] or others[0].spec.bus is not BusKind.SERIAL_STREAM):
            message = (
                f"{talker.section.driver} listens to everything on its line, and sensor "
                f"`{others[0].section.name}` is on {bus} too; expected a port for each"
            )
            report.fault(talker.place("bus"), joined(talker.path, "bus"), message)


def _number(sensor: SensorEntry) -> tuple[str, int]:
    if sensor.spec.bus is BusKind.I2C:
        return "address", sensor.section.address
    if sensor.spec.needs_unit:
        return "unit", sensor.section.unit
    return "bus", id(sensor)


def check_buses(declared: Mapping[str, BusEntry | None], report: Report) -> None:
    """No two buses are the same device."""
    devices: dict[object, tuple[str, BusEntry]] = {}
    for name, entry in declared.items():
        if entry is None or isinstance(entry.section, SimulatedBusSection):
            continue
        device = entry.section.path if isinstance(entry.section, I2cBusSection) else entry.section.port
        other, first = devices.setdefault(device, (name, entry))
        if other != name:
            message = f"{device} is bus `{other}` already, at {first.place}; expected one bus for one device"
            report.fault(entry.place, f"buses.{name}", message)


def check_load(
    by_bus: Mapping[str, list[SensorEntry]], declared: Mapping[str, BusEntry | None], report: Report
) -> None:
    """A warning for a bus that is asked for more than it can carry, with the interval that fits."""
    for name, sensors in by_bus.items():
        bus = bus_section(name, declared)
        if bus is None or isinstance(bus, SimulatedBusSection):
            continue
        speed = bus.baudrate if isinstance(bus, SerialBusSection) else bus.frequency
        loads = {sensor.path: _bits(sensor) / sensor.section.interval / speed for sensor in sensors}
        load = sum(loads.values())
        if load <= MOST_LOAD:
            continue
        heaviest = max(sensors, key=lambda sensor: loads[sensor.path])
        rest = load - loads[heaviest.path]
        report.warning(
            heaviest.place("interval"),
            joined(heaviest.path, "interval"),
            f"{name} is asked for {load:.0%} of what it carries at {speed} bit/s; "
            f"expected {_advice(heaviest, load, rest)}",
        )


MOST_LOAD: Final = 0.8
"""How much of a bus may be planned for; the rest is for gaps, retries and the kernel."""


def _bits(sensor: SensorEntry) -> int:
    variant = sensor.spec.variants[sensor.section.driver]
    registers = len(sensor.channels) if sensor.spec.channels_of is not None else 1
    return variant.wire_bits + 22 * (registers - 1)


def _advice(heaviest: SensorEntry, load: float, rest: float) -> str:
    if rest < MOST_LOAD / 2:
        fits = heaviest.section.interval * (load - rest) / (MOST_LOAD - rest)
        return f"an interval of at least {_rounded_up(fits)} for it"
    factor = load / MOST_LOAD
    longer = _rounded_up(heaviest.section.interval * factor)
    return f"all intervals on it {factor:.1f} times as long ({longer} here)"


def _rounded_up(seconds: float) -> str:
    for worth, unit in ((0.01, "0ms"), (0.1, "00ms"), (1.0, "s"), (60.0, "min")):
        number = math.ceil(round(seconds / worth, 6))
        if number <= 90:
            return f"{number}{unit}"
    return f"{math.ceil(seconds / 3600)}h"


def checked_mqtt(section: MqttSection, table: MapNode, path: str, report: Report) -> MqttSection:
    """``section`` with encryption as the scheme says; faults where its keys contradict each other."""

    def fault(key: str, message: str) -> None:
        entry = table.entries.get(key)
        report.fault(entry.node.place if entry else table.place, joined(path, key), message)

    if section.tls is not None and not section.url.is_tls:
        fault("tls", f"mqtt:// is not encrypted; expected `url: mqtts://{section.url.host}`, or no `tls:`")
    if "tls" in table.entries and section.tls is None and section.url.is_tls:
        fault("tls", f"mqtts:// is encrypted; expected `url: mqtt://{section.url.host}`, or no `tls: false`")
    if section.password is not None and section.password_file is not None:
        fault("password", "both `password` and `password_file` are written; expected one of them")
    if section.username is None and (section.password is not None or section.password_file is not None):
        fault("password" if section.password is not None else "password_file", "a password without `username:`")
    if section.tls is not None and section.tls.key_file is not None and section.tls.cert_file is None:
        fault("tls", "`key_file` without `cert_file`; expected both, or neither")
    if section.url.is_tls and section.tls is None:
        return dataclasses.replace(section, tls=TlsSection())
    return section


def check_later(outbox: OutboxSection, table: MapNode, path: str, report: Report) -> None:
    """A fault for what a later release will do."""
    if outbox.hold_when_no_subscriber:
        key = "hold_when_no_subscriber"
        report.fault(
            table.entries[key].node.place, joined(path, key), "this comes with a later release; expected false for now"
        )
