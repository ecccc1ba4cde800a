"""What is measured, with its one unit.

Names are Home Assistant's device classes where one exists and units are its units; the UCUM code
(https://ucum.org) stands beside them. Conversion to other units is the subscriber's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


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
