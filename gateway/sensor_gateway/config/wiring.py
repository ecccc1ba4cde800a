"""How a sensor is told from others on its bus: by an I2C address, by a unit number, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, joined
from sensor_gateway.model.driver_spec import BusKind, DriverSpec

LOWEST: Final = 0x08
HIGHEST: Final = 0x77
"""The 7-bit addresses that chips may have; the others are reserved (I2C-bus specification UM10204, section 3.1.12)."""


def read_wiring(
    spec: DriverSpec, driver: str, table: MapNode, path: str, report: Report, written: Mapping[str, object]
) -> dict[str, object]:
    """The sensor's ``address``, with the chip's own where none is written; faults where it does not fit the driver."""
    if spec.bus is BusKind.I2C:
        _refuse("unit", f"{driver} is an I2C chip; expected `address:`", table, path, report)
        return {"address": _address(spec, driver, table, path, report, written.get("address"))}
    if spec.needs_unit:
        _refuse("address", f"{driver} is on a serial line; expected `unit:`", table, path, report)
        if "unit" not in table.entries:
            message = "`unit` is missing; expected the number of the device on its line, 1 to 247"
            report.fault(table.place, joined(path, "unit"), message)
    else:
        for key in ("address", "unit"):
            _refuse(key, f"{driver} has its line for itself; remove it", table, path, report)
    return {"address": 0}


def _refuse(key: str, message: str, table: MapNode, path: str, report: Report) -> None:
    if key in table.entries:
        report.fault(table.entries[key].place, joined(path, key), message)


def _address(spec: DriverSpec, driver: str, table: MapNode, path: str, report: Report, written: object) -> int:
    possible = spec.variants[driver].addresses
    here = joined(path, "address")
    entry = table.entries.get("address")
    if entry is None:
        if not possible:
            report.fault(table.place, here, f"`address` is missing; {driver} has no usual one")
        return possible[0] if possible else 0
    if not isinstance(written, int):
        return 0
    if not LOWEST <= written <= HIGHEST:
        report.fault(entry.node.place, here, _reserved(written, possible))
    elif possible and written not in possible:
        report.warning(
            entry.node.place, here, f"{written:#04x} is no address of {driver}; expected {_addresses(possible)}"
        )
    return written


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
    elif digits.isdecimal() and len(digits) < 4 and int(digits, 16) in possible:
        hint = f"; did you mean 0x{digits}?"
    shown = f"{address:#04x}" if 0 <= address <= 0xFFFF else digits[:20]
    return f"{shown} is no address that a chip can have; expected {LOWEST:#04x} to {HIGHEST:#04x}{hint}"
