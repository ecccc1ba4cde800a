"""Which chip model stands in for which CircuitPython library, for sensors that are read by a foreign class.

The class tells the chip, and the quantities of its channels tell which course is which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from sensor_gateway.simulation.chips.air.ads1115 import Ads1115
from sensor_gateway.simulation.chips.air.bme680 import Bme680
from sensor_gateway.simulation.chips.air.bmp3xx import Bmp3xx
from sensor_gateway.simulation.chips.air.dps310 import Dps310
from sensor_gateway.simulation.chips.bme280 import Bme280
from sensor_gateway.simulation.chips.chip import Course, I2cChip, I2cModel, Mounting
from sensor_gateway.simulation.chips.humidity.aht20 import Aht20
from sensor_gateway.simulation.chips.humidity.hdc302x import Hdc302x
from sensor_gateway.simulation.chips.humidity.scd4x import Scd4x
from sensor_gateway.simulation.chips.humidity.sht3x import Sht3x
from sensor_gateway.simulation.chips.humidity.sht4x import Sht4x
from sensor_gateway.simulation.chips.humidity.shtc3 import Shtc3
from sensor_gateway.simulation.chips.humidity.si7021 import Si7021
from sensor_gateway.simulation.chips.light.apds9960 import Apds9960
from sensor_gateway.simulation.chips.light.bh1750 import Bh1750
from sensor_gateway.simulation.chips.light.ltr390 import Ltr390
from sensor_gateway.simulation.chips.light.max44009 import Max44009
from sensor_gateway.simulation.chips.light.tsl2561 import Tsl2561
from sensor_gateway.simulation.chips.light.tsl2591 import Tsl2591
from sensor_gateway.simulation.chips.light.veml7700 import Veml7700
from sensor_gateway.simulation.chips.lm75 import Lm75
from sensor_gateway.simulation.chips.thermometers.adt7410 import Adt7410
from sensor_gateway.simulation.chips.thermometers.mcp9808 import Mcp9808
from sensor_gateway.simulation.chips.thermometers.tmp117 import Tmp117
from sensor_gateway.simulation.chips.vectors import VectorChip

CHIPS: Final[Mapping[str, tuple[I2cModel, str]]] = MappingProxyType(
    {
        "adafruit_adt7410": (Adt7410, "adt7410"),
        "adafruit_ads1x15": (Ads1115, "ads1115"),
        "adafruit_ahtx0": (Aht20, "aht20"),
        "adafruit_apds9960": (Apds9960, "apds9960"),
        "adafruit_bh1750": (Bh1750, "bh1750"),
        "adafruit_bme280": (Bme280, "bme280"),
        "adafruit_bme680": (Bme680, "bme680"),
        "adafruit_bmp280": (Bme280, "bmp280"),
        "adafruit_bmp3xx": (Bmp3xx, "bmp388"),
        "adafruit_dps310": (Dps310, "dps310"),
        "adafruit_hdc302x": (Hdc302x, "hdc302x"),
        "adafruit_htu21d": (Si7021, "htu21d"),
        "adafruit_ltr390": (Ltr390, "ltr390"),
        "adafruit_max44009": (Max44009, "max44009"),
        "adafruit_mcp9808": (Mcp9808, "mcp9808"),
        "adafruit_pct2075": (Lm75, "pct2075"),
        "adafruit_scd4x": (Scd4x, "scd40"),
        "adafruit_sht31d": (Sht3x, "sht31"),
        "adafruit_sht4x": (Sht4x, "sht40"),
        "adafruit_shtc3": (Shtc3, "shtc3"),
        "adafruit_si7021": (Si7021, "si7021"),
        "adafruit_tmp117": (Tmp117, "tmp117"),
        "adafruit_tsl2561": (Tsl2561, "tsl2561"),
        "adafruit_tsl2591": (Tsl2591, "tsl2591"),
        "adafruit_veml7700": (Veml7700, "veml7700"),
    }
)
"""By the library's module: the model, and the variant that it is to be."""

UNWATCHED: Final = MappingProxyType(
    {
        "temperature": 21.0,
        "humidity": 45.0,
        "pressure": 1000.0,
        "illuminance": 300.0,
        "carbon_dioxide": 600.0,
        "gas_resistance": 100_000.0,
    }
)
"""What a chip feels of a quantity of which no channel is configured."""


class _Courses(dict[str, Course]):
    """Courses by quantity, or by name where that has none; constant ones for what nobody watches."""

    def __missing__(self, name: str) -> Course:
        return partial(_constant, UNWATCHED.get(name, 0.0))


def chip_of_class(mounting: Mounting) -> I2cChip:
    """The chip that the configured class reads. One that nobody knows acknowledges, and answers with FF."""
    found = CHIPS.get(str(getattr(mounting.options, "class_", "")).partition(".")[0])
    if found is None:
        return VectorChip(mounting)
    courses = _Courses()
    channels = () if mounting.spec.channels_of is None else mounting.spec.channels_of(mounting.options)
    for channel in channels:
        name = channel.name if channel.quantity.name == "other" else channel.quantity.name
        courses.setdefault(name, mounting.courses[channel.name])
    model, variant = found
    return model(replace(mounting, variant=variant, courses=courses))


def _constant(value: float, _at_s: float) -> float:
    return value
