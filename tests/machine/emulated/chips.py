"""Chips on the bus of the machine: how the gateway, the bridge and the kernel are told of the same ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

BUS: Final = "wire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A file of the kernel's, below the device: its number times ``factor`` is the value in our unit.

    ``scale`` is a file with one more factor. ``within`` is how far a value may be off: the chip's step. ``corrected``
    is what the kernel leaves to us. ``looks``: our models take the longest times of the data sheets, and some drivers
    wait for the usual ones; what they read at first was measured before they asked. ``share`` of the
    value is allowed where the two work it out by different formulas.
    """

    file: str
    factor: float
    within: float
    scale: str = ""
    corrected: Callable[[float], float] = float
    looks: int = 1
    share: float = 0.0

    @property
    def pause_s(self) -> float:
        return 0.5 if self.looks > 1 else 0.0

    def files(self, device: str) -> list[str]:
        """Their paths, for a shell: some lie in a directory whose number is the kernel's choice."""
        return [f"$(find {device}/ -name {file})" for file in (self.file, self.scale) if file]

    def in_our_units(self, numbers: Iterable[float]) -> float:
        return self.corrected(math.prod(numbers, start=self.factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One chip: ours and the kernel's name of it, and what the kernel says of each channel.

    ``options`` are what the configuration says of it besides.
    """

    name: str
    address: int
    module: str = ""
    kernel_name: str = ""
    options: str = ""
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.name}-{self.address:02x}"


def simulated(chips: Sequence[Chip], weather: Mapping[str, float]) -> dict[str, str]:
    """The bridge's files by name: every chip measures ``weather``."""
    values = "".join(f"  {chip.id}.{name}: {weather[name]}\n" for chip in chips for name in chip.told)
    bus = f"  {BUS}: {{type: simulated, kind: i2c, scenario: weather.yaml}}\n"
    return {"bridge.yaml": configuration(chips, bus), "weather.yaml": f"values:\n{values}"}


def configuration(chips: Sequence[Chip], bus: str, more: str = "", *, broker: int = 1883) -> str:
    """A configuration with these chips on the bus that the line ``bus`` describes."""
    lines = [
        "gateway: {id: house}",
        f"mqtt: {{url: 'mqtt://10.0.2.2:{broker}', retry_max: 1s}}",
        "clock: {hold: 0s}",
        more,
        "buses:",
        bus,
        "sensors:",
        *(f"  {chip.id}: {{{facts(chip)}}}" for chip in chips),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def facts(chip: Chip) -> str:
    """What a configuration says of a chip."""
    return ", ".join(filter(None, (f"driver: {chip.name}, bus: {BUS}, address: {chip.address:#x}", chip.options)))
