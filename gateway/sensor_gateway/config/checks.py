"""What is right on its own and wrong together: across sensors, across buses, and between keys of one section."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from sensor_gateway.config.buses import BusEntry, implied_bus, is_device, unknown_bus
from sensor_gateway.config.sections.buses import (
    BusSection,
    I2cBusSection,
    ModbusTcpBusSection,
    SerialBusSection,
    SimulatedBusSection,
    TcpBusSection,
)
from sensor_gateway.config.sensors.entry import SensorEntry
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import joined
from sensor_gateway.model.driver_spec import BusKind

_WIRES: Final = {
    BusKind.I2C: "i2c",
    BusKind.SERIAL_REQUEST: "serial",
    BusKind.SERIAL_STREAM: "serial",
    BusKind.SYSFS: "linux",
}
LOWEST_UNIT: Final = 1
HIGHEST_UNIT: Final = 247
"""The numbers of single devices on a serial line (MODBUS over Serial Line V1.02, section 2.2)."""

_WITH_ARTICLE: Final = {"i2c": "an I2C", "serial": "a serial", "linux": "a linux"}


def check_sensors(
    sensors: Iterable[SensorEntry], buses: Mapping[str, BusEntry | None], report: Report, *, are_all_known: bool
) -> dict[str, list[SensorEntry]]:
    """Every sensor has a bus of its kind, and what tells it from others on it. Returns the sensors by bus.

    Without ``are_all_known`` a bus that is not among ``buses`` may still be meant by something in the file.
    """
    by_bus: dict[str, list[SensorEntry]] = defaultdict(list)
    for sensor in sensors:
        name = sensor.bus
        if name is None:
            continue
        if name not in buses and implied_bus(name) is None:
            if sensor.spec is not None and sensor.spec.bus is BusKind.SYSFS:
                report.fault(sensor.place("bus"), joined(sensor.path, "bus"), _needs_none(sensor))
            elif are_all_known or is_device(name):
                report.fault(sensor.place("bus"), joined(sensor.path, "bus"), unknown_bus(name, sensor.spec, buses))
        elif sensor.spec is not None and (bus := bus_section(name, buses)) is not None:
            wanted, found = _WIRES[sensor.spec.bus], _wire(bus)
            if found != wanted:
                message = (
                    f"{sensor.driver} needs {_WITH_ARTICLE[wanted]} bus, and `{name}` is {_WITH_ARTICLE[found]} one"
                )
                message = _needs_none(sensor) if wanted == "linux" else message
                report.fault(sensor.place("bus"), joined(sensor.path, "bus"), message)
                continue
            if isinstance(bus, ModbusTcpBusSection) and not sensor.spec.needs_unit:
                message = (
                    f"{sensor.driver} does not speak Modbus, and `{name}` carries only that; expected `type: tcp` for "
                    "a line whose bytes a device server passes on"
                )
                report.fault(sensor.place("bus"), joined(sensor.path, "bus"), message)
                continue
            _check_unit(sensor, bus, report)
        by_bus[name].append(sensor)
    for name, neighbours in by_bus.items():
        _check_neighbours(name, [sensor for sensor in neighbours if sensor.spec is not None], report)
    _check_kernel_devices(by_bus, buses, report)
    return by_bus


def _check_unit(sensor: SensorEntry, bus: BusSection, report: Report) -> None:
    """A serial line has units 1 to 247, and a Modbus TCP server may have any number of a byte."""
    number = sensor.number
    if sensor.spec is None or not sensor.spec.needs_unit or isinstance(bus, ModbusTcpBusSection):
        return
    if number is not None and not LOWEST_UNIT <= number <= HIGHEST_UNIT:
        why = "speaks to all devices at once, and none of them answers" if number == 0 else "is reserved"
        message = f"on a serial line unit {number} {why}; expected {LOWEST_UNIT} to {HIGHEST_UNIT}"
        report.fault(sensor.place("unit"), joined(sensor.path, "unit"), f"{message} (0 to 255 with `type: modbus_tcp`)")


def bus_section(name: str, declared: Mapping[str, BusEntry | None]) -> BusSection | None:
    """The section of a bus, declared or implied; None where it is not whole, or not known."""
    if name not in declared:
        return implied_bus(name)
    entry = declared[name]
    return entry.section if entry else None


def _wire(bus: BusSection) -> str:
    if isinstance(bus, TcpBusSection | ModbusTcpBusSection):
        return "serial"
    return bus.kind if isinstance(bus, SimulatedBusSection) else bus.type


def _needs_none(sensor: SensorEntry) -> str:
    return (
        f"{sensor.driver} is read through the kernel, which owns its bus; remove `bus:` (or write `linux` in all those "
        "that may share a thread)"
    )


def _check_neighbours(bus: str, sensors: list[SensorEntry], report: Report) -> None:
    seen: dict[tuple[str, int], SensorEntry] = {}
    for sensor in sensors:
        number = sensor.number
        key = "address" if _kind(sensor) is BusKind.I2C else "unit"
        if number is None or seen.setdefault((key, number), sensor) is sensor:
            continue
        first = seen[key, number]
        shown = f"{number:#04x}" if key == "address" else str(number)
        message = f"{key} {shown} on {bus} is taken by sensor `{first.name}` at {first.place(key)}"
        device = next((one.device.name for one in (first, sensor) if one.device and not one.writes(key)), "")
        if device and key == "unit":
            message += f", as `device: {device}` says; write `unit:` in one of them, with the number that it is set to"
        else:
            message += f"; expected another {key}, or one sensor for both"
        report.fault(sensor.place(key), joined(sensor.path, key), message)
    for talker in [sensor for sensor in sensors if _kind(sensor) is BusKind.SERIAL_STREAM]:
        others = [sensor for sensor in sensors if sensor is not talker]
        if others and (talker is not sensors[0] or _kind(others[0]) is not BusKind.SERIAL_STREAM):
            message = (
                f"{talker.driver} listens to everything on its line, and sensor "
                f"`{others[0].name}` is on {bus} too; expected a port for each"
            )
            report.fault(talker.place("bus"), joined(talker.path, "bus"), message)


def _check_kernel_devices(
    by_bus: Mapping[str, list[SensorEntry]], buses: Mapping[str, BusEntry | None], report: Report
) -> None:
    """No two sensors are the same device of the kernel, on whatever bus: it has each of them once."""
    machines: dict[str, list[SensorEntry]] = defaultdict(list)
    for name, sensors in by_bus.items():
        machine = name if isinstance(bus_section(name, buses), SimulatedBusSection) else ""
        machines[machine].extend(sensor for sensor in sensors if _kind(sensor) is BusKind.SYSFS)
    for sensors in machines.values():
        for place, sensor in enumerate(sensors):
            for first in sensors[:place]:
                if _is_within(first, sensor):
                    _report_same_device(first, sensor, report)
                elif _is_within(sensor, first):
                    _report_same_device(sensor, first, report)
                else:
                    continue
                break


def _report_same_device(sensor: SensorEntry, wider: SensorEntry, report: Report) -> None:
    """``wider`` is what ``sensor`` is, or leaves out what tells it from others."""
    ours, theirs = _texts(wider), _texts(sensor)
    key = next((key for key in ours if ours[key] != theirs[key]), "") or next(filter(ours.get, ours), "")
    other = f"sensor `{sensor.name}` at {sensor.place(key or next(iter(ours), 'driver'))}"
    if key and ours[key]:
        message = f"{key} {ours[key][:60]} is taken by {other}; expected another {key}, or one sensor for both"
    elif key:
        message = f"without `{key}` this is any {wider.driver}, and {other} is one; expected `{key}:` here too"
    else:
        key = next(iter(ours), "driver")
        lacks = f"is {sensor.driver} without `{key}` too; expected `{key}:` in both" if ours else "is the same device"
        message = f"{other} {lacks}, or one sensor for both"
    report.fault(wider.place(key), joined(wider.path, key), message)


def _is_within(sensor: SensorEntry, wider: SensorEntry) -> bool:
    """Whether the device of ``sensor`` is one that ``wider`` may be: texts that are left out fit any."""
    if sensor.section is None or wider.section is None or sensor.driver != wider.driver:
        return False
    ours, theirs = sensor.section.options, wider.section.options
    values = ((getattr(theirs, key), getattr(ours, key)) for key in _names(theirs))
    return all(wide in ("", value) for wide, value in values)


def _texts(sensor: SensorEntry) -> dict[str, str]:
    options = sensor.section.options if sensor.section else None
    values = {key: getattr(options, key) for key in _names(options)}
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _names(options: object) -> tuple[str, ...]:
    return tuple(field.name for field in fields(options)) if is_dataclass(options) else ()


def _kind(sensor: SensorEntry) -> BusKind | None:
    return sensor.spec.bus if sensor.spec else None


def check_buses(declared: Mapping[str, BusEntry | None], report: Report) -> None:
    """No two buses are the same device."""
    devices: dict[object, tuple[str, BusEntry]] = {}
    for name, entry in declared.items():
        device = _device(entry.section) if entry else ""
        if entry is None or not device:
            continue
        other, first = devices.setdefault(device, (name, entry))
        if other != name:
            message = f"{device} is bus `{other}` already, at {first.place}; expected one bus for one device"
            report.fault(entry.place, f"buses.{name}", message)


def _device(bus: BusSection) -> str:
    """What only one bus can use; empty where any number can."""
    if isinstance(bus, I2cBusSection):
        return str(bus.path)
    if isinstance(bus, SerialBusSection):
        return str(bus.port)
    return f"{bus.host}:{bus.port}" if isinstance(bus, TcpBusSection | ModbusTcpBusSection) else ""


def check_ports(
    by_bus: Mapping[str, list[SensorEntry]], declared: Mapping[str, BusEntry | None], report: Report
) -> None:
    """A warning where a serial port is set otherwise than a device on it expects."""
    for name, sensors in by_bus.items():
        bus = bus_section(name, declared)
        if not isinstance(bus, SerialBusSection):
            continue
        for sensor in sensors:
            if sensor.device is None:
                continue
            serial = sensor.device.about.serial
            wanted = {field.name: getattr(serial, field.name) for field in fields(serial)}
            differ = [key for key, value in wanted.items() if value not in (None, getattr(bus, key))]
            if differ:
                expected = ", ".join(f"{key}: {wanted[key]}" for key in differ)
                found = ", ".join(f"{key}: {getattr(bus, key)}" for key in differ)
                message = (
                    f"{sensor.device.name} expects `{expected}` unless it was set otherwise, and `{name}` has `{found}`"
                )
                report.warning(sensor.device_place, joined(sensor.path, "device"), message)


def check_load(
    by_bus: Mapping[str, list[SensorEntry]], declared: Mapping[str, BusEntry | None], report: Report
) -> None:
    """A warning for a bus that is asked for more than it can carry, with the interval that fits."""
    for name, sensors in by_bus.items():
        bus = bus_section(name, declared)
        if not isinstance(bus, SerialBusSection | I2cBusSection):
            continue
        whole = [(sensor, sensor.section) for sensor in sensors if sensor.section]
        speed = bus.baudrate if isinstance(bus, SerialBusSection) else bus.frequency
        loads = [(_bits(sensor) / section.interval / speed, sensor, section.interval) for sensor, section in whole]
        load = sum(share for share, _, _ in loads)
        if load <= MOST_LOAD:
            continue
        share, heaviest, interval = max(loads, key=lambda row: row[0])
        report.warning(
            heaviest.place("interval"),
            joined(heaviest.path, "interval"),
            f"{name} is asked for {load:.0%} of what it carries at {speed} bit/s; "
            f"expected {_advice(interval, load, load - share)}",
        )


MOST_LOAD: Final = 0.8
"""How much of a bus may be planned for; the rest is for gaps, retries and the kernel."""


def _bits(sensor: SensorEntry) -> int:
    if sensor.spec is None:
        return 0
    variant = sensor.spec.variants[sensor.driver]
    registers = len(sensor.channels) if sensor.spec.channels_of is not None else 1
    return variant.wire_bits + 22 * (registers - 1)


def _advice(interval: float, load: float, rest: float) -> str:
    if rest < MOST_LOAD / 2:
        fits = interval * (load - rest) / (MOST_LOAD - rest)
        return f"an interval of at least {_rounded_up(fits)} for it"
    factor = load / MOST_LOAD
    return f"all intervals on it {factor:.1f} times as long ({_rounded_up(interval * factor)} here)"


def _rounded_up(seconds: float) -> str:
    for worth, unit in ((0.01, "0ms"), (0.1, "00ms"), (1.0, "s"), (60.0, "min")):
        number = math.ceil(round(seconds / worth, 6))
        if number <= 90:
            return f"{number}{unit}"
    return f"{math.ceil(seconds / 3600)}h"
