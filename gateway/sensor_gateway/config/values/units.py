"""Durations, sizes and frequencies as people write them. Pure text to number and back.

A number never stands bare: the sentence of a fault says how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NewType

from sensor_gateway.model.units import Bytes, Seconds

Hertz = NewType("Hertz", int)
"""A clock rate. Written ``100kHz`` in a configuration file, never bare."""

Argument = NewType("Argument", str)
"""One word of a command line, that of a program or one behind it."""

_AMOUNT: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,24})?)\s*([A-Za-zµ]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One kind of amount: what it is called, its units with their worth, and an example of how to write it."""

    noun: str
    units: Mapping[str, float]
    example: str
    usual: tuple[str, str]
    """The two units to suggest for a bare number."""
    slips: Mapping[str, str]
    """Units that people write, and the one that they mean here."""

    @property
    def pattern(self) -> str:
        """A regular expression for the JSON Schema."""
        return rf"^[0-9]+(\.[0-9]+)?\s*({'|'.join(self.units)})$"

    def parse(self, text: str) -> float:
        """The amount in the scale's base unit; ValueError says what is wrong and how to write it."""
        found = _AMOUNT.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no {self.noun}; expected a number with a unit, like {self.example}")
        number, unit = found.groups()
        if not unit:
            raise ValueError(self.bare(number))
        if unit not in self.units:
            raise ValueError(self._unknown(number, unit))
        worth = self.units[unit]
        return float(number) * worth if worth >= 1 else float(number) / round(1 / worth)

    def bare(self, number: object) -> str:
        """What to say of a number without a unit."""
        first, second = self.usual
        return (
            f"{number} has no unit; expected a {self.noun} like {number}{first} or {number}{second} "
            f"(units: {', '.join(self.units)})"
        )

    def _unknown(self, number: str, unit: str) -> str:
        meant = self.slips.get(unit) or next((ours for ours in self.units if ours.lower() == unit.lower()), None)
        hint = f"; did you mean {number}{meant}" if meant else ""
        return f"{unit!r} is no unit of a {self.noun}; expected one of {', '.join(self.units)}{hint}"

    def write(self, amount: float) -> str:
        """The shortest way to write ``amount`` that reads back as the same number."""
        for unit, worth in sorted(self.units.items(), key=lambda row: -row[1]):
            text = f"{round(amount / worth)}{unit}"
            if (amount or worth == 1) and self.parse(text) == amount:
                return text
        base = next(unit for unit, worth in self.units.items() if worth == 1)
        return f"{_plain(amount)}{base}"


def _plain(amount: float) -> str:
    text = repr(float(amount))
    return f"{amount:.20f}".rstrip("0").rstrip(".") if "e" in text else text


DURATION: Final = Scale(
    noun="duration",
    units=MappingProxyType({"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}),
    example="500ms, 10s, 5min, 1h or 30d",
    usual=("s", "ms"),
    slips=MappingProxyType(
        {
            "m": "min",
            "sec": "s",
            "secs": "s",
            "second": "s",
            "seconds": "s",
            "mins": "min",
            "minute": "min",
            "minutes": "min",
            "hr": "h",
            "hour": "h",
            "hours": "h",
            "day": "d",
            "days": "d",
            "msec": "ms",
            "milliseconds": "ms",
        }
    ),
)

SIZE: Final = Scale(
    noun="size",
    units=MappingProxyType(
        {"kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3, "B": 1.0}
    ),
    example="64MB, 100kB or 4MiB",
    usual=("B", "MB"),
    slips=MappingProxyType({"k": "kB", "K": "KiB", "M": "MB", "m": "MB", "G": "GB", "KB": "kB", "bytes": "B"}),
)

FREQUENCY: Final = Scale(
    noun="frequency",
    units=MappingProxyType({"Hz": 1.0, "kHz": 1e3, "MHz": 1e6}),
    example="100kHz or 400kHz",
    usual=("Hz", "kHz"),
    slips=MappingProxyType({"k": "kHz", "M": "MHz"}),
)


def parse_duration(text: str) -> Seconds:
    """Seconds, from ``500ms``, ``10s``, ``5min``, ``1h`` or ``30d``; ValueError with a sentence."""
    return Seconds(DURATION.parse(text))


def parse_size(text: str) -> Bytes:
    """Bytes, from ``64MB`` or ``4MiB``; ValueError with a sentence."""
    return Bytes(round(SIZE.parse(text)))


def parse_frequency(text: str) -> Hertz:
    """Hertz, from ``100kHz``; ValueError with a sentence."""
    return Hertz(round(FREQUENCY.parse(text)))
