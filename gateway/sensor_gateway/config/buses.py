"""The ``buses:`` section, and the buses that need none: I2C, and what the kernel measures."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

from sensor_gateway.config.indentation import BUS_KEYS, indented_members, is_bus
from sensor_gateway.config.sections.buses import BUS_TYPES, BusSection, I2cBusSection, LinuxBusSection, SerialBusSection
from sensor_gateway.config.text.faults import Place, Report
from sensor_gateway.config.text.nodes import NO_ENTRIES, MapNode, Node, ScalarNode, described, joined, shortened
from sensor_gateway.config.values.decoder import read_section
from sensor_gateway.config.values.near_miss import listed, near_miss
from sensor_gateway.config.values.readers import INVALID, as_map
from sensor_gateway.model.driver_spec import BusKind, DriverSpec

_I2C_NAME: Final = re.compile(r"i2c([0-9]{1,4})")
_LINUX_NAME: Final = re.compile(r"linux(?:-[a-z0-9_-]+)?")
_I2C_LIKE: Final = re.compile(r"(?:/dev/)?(?:i2c|bus|smbus)?[-_. ]?([0-9]{1,4})")
_OTHER_WORDS: Final = MappingProxyType(
    {
        **dict.fromkeys(("uart", "rs485", "rs232", "modbus", "rtu", "tty"), "serial"),
        **dict.fromkeys(("rtu_over_tcp", "rtuovertcp", "modbus_rtu_over_tcp", "ser2net", "socket", "telnet"), "tcp"),
        **dict.fromkeys(("modbustcp", "modbus-tcp", "tcp_modbus"), "modbus_tcp"),
        "simulation": "simulated",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusEntry:
    """A bus that was read, and where it is written."""

    section: BusSection
    place: Place


@cache
def implied_bus(name: str) -> I2cBusSection | LinuxBusSection | None:
    """The section that ``i2c1``, ``linux`` and the like have without being declared."""
    if _LINUX_NAME.fullmatch(name):
        return LinuxBusSection()
    number = _I2C_NAME.fullmatch(name)
    return I2cBusSection(path=Path(f"/dev/i2c-{int(number[1])}")) if number else None


def bus_alone(sensor: str) -> str:
    """The bus of a sensor that the kernel measures with and that names none: its own, since a read may take long."""
    return f"linux-{sensor}"


def is_device(name: str) -> bool:
    """Whether what is written for a bus is a device of this computer, and no key of ``buses:``."""
    return name.startswith(("/", "tty")) or _I2C_LIKE.fullmatch(name.lower()) is not None


def unknown_bus(name: str, driver: DriverSpec | None, declared: Mapping[str, BusEntry | None]) -> str:
    """The sentence about a bus that is none, with the name or the entry of ``buses:`` to write for ``driver``."""
    shown = shortened(name)
    i2c = _I2C_LIKE.fullmatch(name.lower())
    if i2c:
        return f"unknown bus `{shown}`; did you mean `i2c{int(i2c[1])}`?"
    if is_device(name):
        path = Path("/dev") / name
        own = next((key for key, entry in declared.items() if entry and _device(entry.section) == path), None)
        if own:
            return f"`{shown}` is a device; did you mean `{own}`, its key in `buses:`?"
        is_i2c = driver.bus is BusKind.I2C if driver else "i2c" in name
        entry = f"{{type: i2c, path: {path}}}" if is_i2c else f"{{type: serial, port: {path}}}"
        key = _free_key("i2c_other" if is_i2c else "serial1", declared)
        return f"`{shown}` is a device; expected an entry for it, `buses: {{{key}: {entry}}}`, and `bus: {key}` here"
    known = f"one of `buses:` ({listed(declared)}) or i2c1" if declared else "i2c1 and the like, or a key of `buses:`"
    meant = near_miss(name, declared)
    hint = f"; did you mean `{meant}`?" if meant else ""
    return f"unknown bus `{shown}`; expected {known}{hint}"


def _device(bus: BusSection) -> Path | None:
    if isinstance(bus, SerialBusSection):
        return bus.port
    return bus.path if isinstance(bus, I2cBusSection) else None


def _free_key(key: str, taken: Collection[str]) -> str:
    stem = key.rstrip("0123456789")
    return next(name for name in (key, *(f"{stem}{number}" for number in range(2, 1000))) if name not in taken)


def read_buses(node: Node, path: str, report: Report) -> dict[str, BusEntry | None]:
    """The declared buses; None for one that is not whole."""
    table = as_map(node, path, report)
    if table is not None:
        table = indented_members(table, path, report, BUS_KEYS, is_bus)
    buses: dict[str, BusEntry | None] = {}
    for name, entry in (table.entries if table else NO_ENTRIES).items():
        here = joined(path, name)
        section = _read_bus(name, entry.node, here, report)
        whole = None if section is INVALID else cast("BusSection", section)  # read by the section's own type
        buses[name] = BusEntry(section=whole, place=entry.place) if whole is not None else None
    return buses


def _read_bus(name: str, node: Node, path: str, report: Report) -> object:
    table = as_map(node, path, report)
    if table is None:
        return INVALID
    implied = implied_bus(name)
    section, is_certain = _section(table, path, report, implied.type if implied else "")
    if section is None:
        return INVALID
    given: dict[str, object] = {}
    if section is I2cBusSection and isinstance(implied, I2cBusSection):
        given["path"] = implied.path
    if not is_certain:
        given["type"] = INVALID
        table = MapNode({key: entry for key, entry in table.entries.items() if key != "type"}, table.place)
    return read_section(section, table, path, report, given)


def _section(table: MapNode, path: str, report: Report, usual: str) -> tuple[type | None, bool]:
    """The section that is written, or else the one that is meant; and whether it is written."""
    entry = table.entries.get("type")
    if entry is None:
        if usual:
            return BUS_TYPES[usual], True
        guess = "serial" if "port" in table.entries or "baudrate" in table.entries else ""
        hint = f"; did you mean `type: {guess}`?" if guess else ""
        report.fault(table.place, joined(path, "type"), f"`type` is missing; expected one of {_listed()}{hint}")
        return BUS_TYPES.get(guess), False
    word = entry.node.text if isinstance(entry.node, ScalarNode) else ""
    if word in BUS_TYPES:
        return BUS_TYPES[word], True
    meant = _OTHER_WORDS.get(word.lower()) or near_miss(word, BUS_TYPES) or ""
    hint = f"; did you mean `{meant}`?" if meant else ""
    report.fault(
        entry.node.place, joined(path, "type"), f"expected one of {_listed()}, got {described(entry.node)}{hint}"
    )
    return BUS_TYPES.get(meant), False


def _listed() -> str:
    return ", ".join(BUS_TYPES)
