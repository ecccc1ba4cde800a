"""Which chip model stands in for which driver, by the driver's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from sensor_gateway.simulation.chips.air.ads1115 import Ads1115
from sensor_gateway.simulation.chips.air.bme680 import Bme680
from sensor_gateway.simulation.chips.air.bmp3xx import Bmp3xx
from sensor_gateway.simulation.chips.air.dps310 import Dps310
from sensor_gateway.simulation.chips.air.hdc1080 import Hdc1080
from sensor_gateway.simulation.chips.bme280 import Bme280
from sensor_gateway.simulation.chips.chip import FilesModel, I2cModel, SlaveModel, TalkerModel
from sensor_gateway.simulation.chips.frame_device import FrameSlave, FrameTalker
from sensor_gateway.simulation.chips.humidity.aht20 import Aht20
from sensor_gateway.simulation.chips.humidity.hdc302x import Hdc302x
from sensor_gateway.simulation.chips.humidity.scd4x import Scd4x
from sensor_gateway.simulation.chips.humidity.sht3x import Sht3x
from sensor_gateway.simulation.chips.humidity.sht4x import Sht4x
from sensor_gateway.simulation.chips.humidity.shtc3 import Shtc3
from sensor_gateway.simulation.chips.humidity.si7021 import Si7021
from sensor_gateway.simulation.chips.kernel.attributes import Attributes
from sensor_gateway.simulation.chips.kernel.thermometer import Thermometer
from sensor_gateway.simulation.chips.light.apds9960 import Apds9960
from sensor_gateway.simulation.chips.light.bh1750 import Bh1750
from sensor_gateway.simulation.chips.light.ltr390 import Ltr390
from sensor_gateway.simulation.chips.light.max44009 import Max44009
from sensor_gateway.simulation.chips.light.opt3001 import Opt3001
from sensor_gateway.simulation.chips.light.tsl2561 import Tsl2561
from sensor_gateway.simulation.chips.light.tsl2591 import Tsl2591
from sensor_gateway.simulation.chips.light.veml7700 import Veml7700
from sensor_gateway.simulation.chips.line_talker import LineTalker
from sensor_gateway.simulation.chips.lm75 import Lm75
from sensor_gateway.simulation.chips.modbus_slave import slave_of
from sensor_gateway.simulation.chips.thermometers.adt7410 import Adt7410
from sensor_gateway.simulation.chips.thermometers.mcp9808 import Mcp9808
from sensor_gateway.simulation.chips.thermometers.tmp117 import Tmp117
from sensor_gateway.simulation.foreign_classes import chip_of_class

Model: TypeAlias = I2cModel | SlaveModel | TalkerModel | FilesModel

MODELS: Final[Mapping[str, Model]] = {
    "ads1115": Ads1115,
    "adt7410": Adt7410,
    "aht20": Aht20,
    "apds9960": Apds9960,
    "bh1750": Bh1750,
    "bme280": Bme280,
    "bme680": Bme680,
    "bmp3xx": Bmp3xx,
    "circuitpython": chip_of_class,
    "dps310": Dps310,
    "ds18b20": Thermometer,
    "frame": FrameTalker,
    "frame_request": FrameSlave,
    "hdc1080": Hdc1080,
    "hdc302x": Hdc302x,
    "line": LineTalker,
    "linux": Attributes,
    "lm75": Lm75,
    "ltr390": Ltr390,
    "max44009": Max44009,
    "mcp9808": Mcp9808,
    "modbus": slave_of,
    "opt3001": Opt3001,
    "scd4x": Scd4x,
    "sht3x": Sht3x,
    "sht4x": Sht4x,
    "shtc3": Shtc3,
    "si7021": Si7021,
    "tmp117": Tmp117,
    "tsl2561": Tsl2561,
    "tsl2591": Tsl2591,
    "veml7700": Veml7700,
}
