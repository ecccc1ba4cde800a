"""Which chips may sit at an address: the rows of the installed drivers, the likeliest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Heeds, Variant

POPULAR: Final = (
    *("bme280", "sht3x", "sht4x", "bh1750", "bmp280", "ads1115", "aht20", "lm75", "si7021", "htu21d", "scd4x"),
    *("veml7700", "tsl2591", "tsl2561", "bme680", "tmp117", "mcp9808", "hdc1080", "ina219", "sgp40", "tmp102"),
)
"""Drivers by how often their chips are met, as far as one can tell; all others come after them."""

_ANY: Final = bytes(range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One kind of chip: the names that users write for it (the one to write comes first), its driver and its row."""

    names: tuple[str, ...]
    spec: DriverSpec
    variant: Variant

    @property
    def name(self) -> str:
        """What to write behind ``driver:``."""
        return self.names[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander:
    """A chip that we have no driver for, and that is common at these addresses. ``heeds``: what it must not be sent."""

    what: str
    addresses: range
    heeds: Heeds = field(default_factory=Heeds)


# Oscillator, blinking and pins; brightness.
_HT16K33: Final = Heeds(
    alone=bytes((*range(0x20, 0x30), *range(0x80, 0xD0), *range(0xE0, 0xF0))), with_data=bytes(range(0x10))
)

BYSTANDERS: Final = (
    Bystander(what="PCF8574 port expander", addresses=range(0x20, 0x28), heeds=Heeds(alone=_ANY, with_data=_ANY)),
    Bystander(what="MCP23017 port expander", addresses=range(0x20, 0x28), heeds=Heeds(with_data=_ANY)),
    Bystander(what="PCF8574A port expander", addresses=range(0x38, 0x40), heeds=Heeds(alone=_ANY, with_data=_ANY)),
    Bystander(what="SSD1306 display", addresses=range(0x3C, 0x3E), heeds=Heeds(with_data=_ANY)),
    # Registers FA to FD move all its servos at once. Of its 62 addresses all but the first are rare.
    Bystander(what="PCA9685 servo driver", addresses=range(0x40, 0x41), heeds=Heeds(with_data=_ANY)),
    # Its first byte is a control byte, which may switch its analog output on or off.
    Bystander(what="PCF8591 converter", addresses=range(0x48, 0x50), heeds=Heeds(alone=_ANY, with_data=_ANY)),
    Bystander(what="EEPROM", addresses=range(0x50, 0x58), heeds=Heeds(with_data=_ANY)),
    # Two bytes set its output, four its memory too; commands from 80 on are reserved.
    Bystander(what="MCP4725 converter", addresses=range(0x60, 0x68), heeds=Heeds(with_data=bytes(range(0x80)))),
    Bystander(what="DS3231 clock", addresses=range(0x68, 0x69), heeds=Heeds(with_data=_ANY)),
    # The address to which every PCA9685 listens after power-on, besides its own.
    Bystander(what="PCA9685 servo driver", addresses=range(0x70, 0x71), heeds=Heeds(with_data=_ANY)),
    # It shows what is written behind 00 to 0F. Its test mode is D9, and D0 does nothing: a BME280 has its id there.
    Bystander(what="HT16K33 display", addresses=range(0x70, 0x78), heeds=_HT16K33),
    # Its channels may be switched by a write: nothing is lost by that, and the BME280 has its last two addresses.
    Bystander(what="TCA9548A multiplexer", addresses=range(0x70, 0x78)),
)
"""A write to the wrong one of these switches a relay, changes a memory or sets a clock."""


def candidates(specs: Mapping[str, DriverSpec]) -> tuple[Candidate, ...]:
    """The kinds of I2C chips among drivers by the names that users write; names of one row are one kind."""
    rows: list[tuple[DriverSpec, Variant, list[str]]] = []
    for name, spec in specs.items():
        variant = spec.variants.get(name)
        if variant is None or spec.bus is not BusKind.I2C:
            continue
        known = next((names for one, row, names in rows if one is spec and row == variant), None)
        if known is None:
            rows.append((spec, variant, [name]))
        else:
            known.append(name)
    return tuple(
        Candidate(names=tuple(sorted(names, key=lambda name: name != spec.name)), spec=spec, variant=variant)
        for spec, variant, names in rows
    )


def at_address(kinds: Iterable[Candidate], address: int) -> tuple[Candidate, ...]:
    """Those that may sit there: first what can be told from all others, then by popularity."""
    return tuple(sorted((kind for kind in kinds if address in kind.variant.addresses), key=_rank))


def bystanders_at(address: int) -> tuple[Bystander, ...]:
    """Common chips without a driver that may sit there."""
    return tuple(bystander for bystander in BYSTANDERS if address in bystander.addresses)


def _rank(kind: Candidate) -> tuple[bool, int, str, int]:
    known = [POPULAR.index(name) for name in (*kind.names, kind.spec.name) if name in POPULAR]
    # Of parts that look alike, the one that their driver names first.
    place = list(kind.spec.variants).index(kind.name)
    return not kind.variant.has_identity, min(known, default=len(POPULAR)), kind.spec.name, place
