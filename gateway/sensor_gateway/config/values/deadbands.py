"""How a channel's deadband is written, read, shown and described by a schema."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

from sensor_gateway.changes.rules import Absolute, Deadband, Relative
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, Node, ScalarNode, described, joined
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.notation import Within
from sensor_gateway.config.values.readers import INVALID, Reader, report_about, report_unknown, scalar_reader

_NOT_NEGATIVE: Final = scalar_reader(KINDS[float], (Within(0, None),))


def read_deadband(node: Node, path: str, report: Report) -> object:
    """A number in the channel's unit, or ``relative: 2%`` with ``at_least:``."""
    if isinstance(node, MapNode):
        return _read_relative(node, path, report)
    if isinstance(node, ScalarNode) and node.text.rstrip().endswith("%"):
        number = node.text.rstrip()[:-1].strip()[:40]
        message = (
            f"`{number}%` can mean two things; expected `deadband: {number}` for so much of the channel's unit, or "
            f"`deadband: {{relative: {number}%, at_least: ...}}` for that part of the last value"
        )
        report.fault(node.place, path, message)
        return INVALID
    by = _NOT_NEGATIVE(node, path, report)
    return by if by is INVALID else Absolute(by=cast("float", by))  # the reader gives nothing else


def _read_relative(table: MapNode, path: str, report: Report) -> object:
    missing = [key for key in _RELATIVE if key not in table.entries]
    meant = report_unknown(table, path, report, _RELATIVE)
    for key in missing:
        if key not in meant:
            report.fault(table.place, joined(path, key), f"`{key}` is missing; expected {_WHY[key]}")
    read = {
        key: reader(table.entries[key].node, joined(path, key), report)
        for key, reader in _RELATIVE.items()
        if key not in missing
    }
    if missing or INVALID in read.values():
        return INVALID
    try:
        return Relative(
            fraction=cast("float", read["relative"]), at_least=cast("float", read["at_least"])
        )  # the readers give nothing else
    except ValueError as error:
        report_about(str(error), table, path, report)
        return INVALID


def _read_percent(node: Node, path: str, report: Report) -> object:
    text = node.text.strip() if isinstance(node, ScalarNode) else ""
    number = text.removesuffix("%").strip()
    is_number = number.replace(".", "", 1).isdecimal() and number.isascii() and len(number) < 30
    percent = float(number) if is_number else 0.0
    if text.endswith("%") and 0 < percent <= 100:
        return percent / 100
    hint = f"; did you mean {number}%?" if 0 < percent <= 100 else ""
    report.fault(node.place, path, f"expected a part like 2%, got {described(node)}{hint}")
    return INVALID


_RELATIVE: Final[Mapping[str, Reader]] = MappingProxyType({"relative": _read_percent, "at_least": _NOT_NEGATIVE})
_WHY: Final = MappingProxyType(
    {
        "relative": "a part of the last published value, like 2%",
        "at_least": "the smallest change that counts near zero, in the channel's unit",
    }
)


def write_deadband(deadband: Deadband) -> object:
    """As it stands in a file."""
    if isinstance(deadband, Absolute):
        return deadband.by
    return {"relative": _percent(deadband.fraction), "at_least": deadband.at_least}


def _percent(fraction: float) -> str:
    candidates = (f"{fraction * 100:.{digits}f}" for digits in range(20))
    return next((f"{text}%" for text in candidates if float(text) / 100 == fraction), f"{fraction * 100:.20f}%")


DEADBAND_SCHEMA: Final[Mapping[str, object]] = MappingProxyType(
    {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {
                "type": "object",
                "properties": {
                    "relative": {"type": "string", "pattern": r"^[0-9]*\.?[0-9]+\s*%$|\$\{"},
                    "at_least": {"type": "number", "exclusiveMinimum": 0},
                },
                "required": ["relative", "at_least"],
                "additionalProperties": False,
            },
        ]
    }
)
