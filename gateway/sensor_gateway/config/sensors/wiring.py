"""How a sensor is told from others on its bus: by an I2C address, by a unit number, or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, Node, ScalarNode, joined
from sensor_gateway.config.values.readers import INVALID
from sensor_gateway.model.driver_spec import BusKind, DriverSpec

LOWEST: Final = 0x08
HIGHEST: Final = 0x77
"""The 7-bit addresses that chips may have; the others are reserved (I2C-bus specification UM10204, section 3.1.12)."""


def read_wiring(
    spec: DriverSpec, driver: str, table: MapNode, path: str, report: Report, written: Mapping[str, object]
) -> object:
    """The sensor's ``address``, with the chip's own where none is written; INVALID where it does not fit the driver.

    ``written`` holds the keys that every sensor has, as far as they could be read.
    """
    if spec.bus is BusKind.I2C:
        _refuse("unit", f"{driver} is an I2C chip; expected `address:`", table, path, report)
        return _address(spec, driver, table, path, report, written.get("address"))
    if spec.bus is BusKind.SYSFS:
        for key in ("address", "unit"):
            _refuse(key, f"{driver} is read through the kernel, which knows its {key}; remove it", table, path, report)
    elif spec.needs_unit:
        _refuse("address", f"{driver} is on a serial line; expected `unit:`", table, path, report)
        if "unit" not in table.entries and written.get("unit") is not INVALID:
            message = "`unit` is missing; expected the number of the device on its line, 1 to 247"
            report.fault(table.place, joined(path, "unit"), message)
    else:
        for key in ("address", "unit"):
            _refuse(key, f"{driver} has its line for itself; remove it", table, path, report)
    return 0


def check_unnamed(table: MapNode, path: str, report: Report, address: object) -> None:
    """What can be said of ``address`` without knowing the driver."""
    entry = table.entries.get("address")
    if entry is None or type(address) is not int:
        return
    meant = _in_hexadecimal(entry.node)
    if not LOWEST <= address <= HIGHEST:
        report.fault(entry.node.place, joined(path, "address"), _reserved(address, ()))
    elif LOWEST <= meant <= HIGHEST:
        report.warning(entry.node.place, joined(path, "address"), _decimal(address, meant))


def _refuse(key: str, message: str, table: MapNode, path: str, report: Report) -> None:
    if key in table.entries:
        report.fault(table.entries[key].place, joined(path, key), message)


def _address(spec: DriverSpec, driver: str, table: MapNode, path: str, report: Report, written: object) -> object:
    possible = spec.variants[driver].addresses
    here = joined(path, "address")
    entry = table.entries.get("address")
    if written is INVALID:
        return INVALID
    if entry is None:
        if not possible:
            report.fault(table.place, here, f"`address` is missing; {driver} has no usual one")
        return possible[0] if possible else INVALID
    if type(written) is not int:
        return INVALID
    if not LOWEST <= written <= HIGHEST:
        report.fault(entry.node.place, here, _reserved(written, possible))
        return INVALID
    if possible and written not in possible:
        meant = _in_hexadecimal(entry.node)
        if meant in possible:
            report.fault(entry.node.place, here, _decimal(written, meant))
            return INVALID
        report.warning(
            entry.node.place, here, f"{written:#04x} is no address of {driver}; expected {_addresses(possible)}"
        )
    return written


def _in_hexadecimal(node: Node) -> int:
    """What the decimal digits of ``node`` are with ``0x`` before them; 0 for anything else."""
    text = node.text if isinstance(node, ScalarNode) else ""
    return int(text, 16) if re.fullmatch("[0-9]{1,4}", text) else 0


def _decimal(address: int, meant: int) -> str:
    return f"{address} is decimal, that is address {address:#04x}; did you mean {meant:#04x}?"


def _addresses(possible: tuple[int, ...]) -> str:
    ordered = sorted(possible)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]:#04x} to {ordered[-1]:#04x}"
    return " or ".join(f"{address:#04x}" for address in possible)


def _reserved(address: int, possible: tuple[int, ...]) -> str:
    hint = ""
    digits = str(address)
    if address >> 1 in possible:
        hint = f"; did you mean {address >> 1:#04x}? (datasheets also show it shifted, with the read/write bit)"
    shown = f"{address:#04x}" if 0 <= address <= 0xFFFF else digits[:20]
    return f"{shown} is no address that a chip can have; expected {LOWEST:#04x} to {HIGHEST:#04x}{hint}"
