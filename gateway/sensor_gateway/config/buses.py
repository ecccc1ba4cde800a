"""The ``buses:`` section, and the I2C buses that need no section."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

from sensor_gateway.config.settings import BusSection, I2cBusSection, SerialBusSection, SimulatedBusSection
from sensor_gateway.config.text.faults import Place, Report
from sensor_gateway.config.text.nodes import NO_ENTRIES, MapNode, Node, ScalarNode, described, joined
from sensor_gateway.config.values.decoder import read_section
from sensor_gateway.config.values.near_miss import near_miss
from sensor_gateway.config.values.readers import INVALID, as_map

BUS_TYPES: Final[Mapping[str, type]] = MappingProxyType(
    {"i2c": I2cBusSection, "serial": SerialBusSection, "simulated": SimulatedBusSection}
)
"""The sections by what is written behind ``type:``."""

_I2C_NAME: Final = re.compile(r"i2c([0-9]{1,4})")
_OTHER_WORDS: Final = MappingProxyType(
    {**dict.fromkeys(("uart", "rs485", "rs232", "modbus", "rtu", "tty"), "serial"), "simulation": "simulated"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusEntry:
    """A bus that was read, and where it is written."""

    section: BusSection
    place: Place


@cache
def implied_bus(name: str) -> I2cBusSection | None:
    """The section that ``i2c1`` and the like have without being declared."""
    number = _I2C_NAME.fullmatch(name)
    return I2cBusSection(path=Path(f"/dev/i2c-{int(number[1])}")) if number else None


def read_buses(node: Node, path: str, report: Report) -> dict[str, BusEntry | None]:
    """The declared buses; None for one that is not whole."""
    table = as_map(node, path, report)
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
    section = _section(table, path, report, "i2c" if implied else None)
    if section is None:
        return INVALID
    given: dict[str, object] = {}
    if section is I2cBusSection and implied is not None:
        given["path"] = implied.path
    return read_section(section, table, path, report, given)


def _section(table: MapNode, path: str, report: Report, usual: str | None) -> type | None:
    entry = table.entries.get("type")
    if entry is None:
        guess = usual or ("serial" if "port" in table.entries or "baudrate" in table.entries else None)
        if guess != "i2c":
            hint = f"; did you mean `type: {guess}`?" if guess else ""
            report.fault(table.place, joined(path, "type"), f"`type` is missing; expected one of {_listed()}{hint}")
        return BUS_TYPES[guess] if guess == "i2c" else None
    word = entry.node.text if isinstance(entry.node, ScalarNode) else ""
    if word in BUS_TYPES:
        return BUS_TYPES[word]
    meant = _OTHER_WORDS.get(word.lower()) or near_miss(word, BUS_TYPES)
    hint = f"; did you mean `{meant}`?" if meant else ""
    report.fault(
        entry.node.place, joined(path, "type"), f"expected one of {_listed()}, got {described(entry.node)}{hint}"
    )
    return None


def _listed() -> str:
    return ", ".join(BUS_TYPES)
