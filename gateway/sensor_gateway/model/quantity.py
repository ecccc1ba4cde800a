"""What is measured, with its one unit.

Names are Home Assistant's device classes where one exists and units are its units; the UCUM code
(https://ucum.org) stands beside them. Conversion to other units is the subscriber's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A kind of measurement and the one unit it is reported in."""

    name: str
    unit: str
    ucum: str


def _table(*rows: tuple[str, str, str]) -> MappingProxyType[str, Quantity]:
    return MappingProxyType({name: Quantity(name=name, unit=unit, ucum=ucum) for name, unit, ucum in rows})


QUANTITIES: Final = _table(
    ("temperature", "°C", "Cel"),
    ("humidity", "%", "%"),
    ("illuminance", "lx", "lx"),
    ("pressure", "hPa", "hPa"),
    ("carbon_dioxide", "ppm", "[ppm]"),
    ("voltage", "V", "V"),
    ("current", "A", "A"),
    ("power", "W", "W"),
    ("energy", "kWh", "kW.h"),
    ("frequency", "Hz", "Hz"),
    ("battery", "%", "%"),
    ("moisture", "%", "%"),
    ("distance", "mm", "mm"),
    ("wind_speed", "m/s", "m/s"),
    ("precipitation", "mm", "mm"),
    ("irradiance", "W/m²", "W/m2"),
    ("conductivity", "µS/cm", "uS/cm"),
    ("ph", "pH", "[pH]"),
    ("pm1", "µg/m³", "ug/m3"),
    ("pm25", "µg/m³", "ug/m3"),
    ("pm10", "µg/m³", "ug/m3"),
    ("volatile_organic_compounds_parts", "ppb", "[ppb]"),
)

TEMPERATURE: Final = QUANTITIES["temperature"]
HUMIDITY: Final = QUANTITIES["humidity"]
ILLUMINANCE: Final = QUANTITIES["illuminance"]
PRESSURE: Final = QUANTITIES["pressure"]


def other(unit: str) -> Quantity:
    """A quantity without a name of its own, in a unit chosen by configuration (taken as its UCUM code too)."""
    return Quantity(name="other", unit=unit, ucum=unit)


QuantityName: TypeAlias = Literal[
    "temperature",
    "humidity",
    "illuminance",
    "pressure",
    "carbon_dioxide",
    "voltage",
    "current",
    "power",
    "energy",
    "frequency",
    "battery",
    "moisture",
    "distance",
    "wind_speed",
    "precipitation",
    "irradiance",
    "conductivity",
    "ph",
    "pm1",
    "pm25",
    "pm10",
    "volatile_organic_compounds_parts",
    "other",
]
"""What a configuration may write for a quantity: the names of QUANTITIES, or ``other`` with a unit."""

USUAL: Final = MappingProxyType(
    {  # quantity: lowest, highest, resolution, deadband, in the unit of the quantity
        "temperature": (-273.15, 2000.0, 0.01, 0.1),
        "humidity": (0.0, 100.0, 0.01, 0.5),
        "illuminance": (0.0, 200_000.0, 0.01, 1.0),
        "pressure": (-1000.0, 1_000_000.0, 0.01, 0.1),
        "carbon_dioxide": (0.0, 100_000.0, 1.0, 10.0),
        "voltage": (-100_000.0, 100_000.0, 0.001, 0.1),
        "current": (-100_000.0, 100_000.0, 0.001, 0.01),
        "power": (-1e9, 1e9, 0.1, 1.0),
        "energy": (-1e9, 1e9, 0.001, 0.01),
        "frequency": (0.0, 1e9, 0.001, 0.01),
        "battery": (0.0, 100.0, 0.1, 1.0),
        "moisture": (0.0, 100.0, 0.01, 0.5),
        "distance": (-1e6, 1e6, 0.1, 1.0),
        "wind_speed": (0.0, 150.0, 0.01, 0.1),
        "precipitation": (0.0, 1e6, 0.01, 0.1),
        "irradiance": (-50.0, 5000.0, 0.1, 1.0),
        "conductivity": (0.0, 1e6, 0.1, 1.0),
        "ph": (0.0, 14.0, 0.001, 0.01),
        "pm1": (0.0, 10_000.0, 0.1, 1.0),
        "pm25": (0.0, 10_000.0, 0.1, 1.0),
        "pm10": (0.0, 10_000.0, 0.1, 1.0),
        "volatile_organic_compounds_parts": (0.0, 1e6, 1.0, 10.0),
        "other": (-1e12, 1e12, 0.001, 0.0),
    },
)
"""For channels that a configuration makes: limits that hold for any sensor, and steps that suit most."""


def configured_quantity(name: QuantityName, unit: str) -> Quantity:
    """The quantity of that name. ValueError where ``unit`` is missing for ``other``, or contradicts the quantity's."""
    if name == "other":
        if not unit.strip():
            raise ValueError("unit is needed for the quantity `other`, like `unit: rpm`")
        return other(unit)
    quantity = QUANTITIES[name]
    if unit not in ("", quantity.unit):
        raise ValueError(
            f"unit of {name} is {quantity.unit}, got {unit}: leave `unit` out and convert with `scale` and `offset`, "
            "or write `quantity: other`",
        )
    return quantity
