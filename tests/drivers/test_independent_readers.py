"""Adafruit's drivers, unmodified, read our chip models, and say what our own drivers say.

Who writes a model and a driver from one datasheet may misread it twice in the same way; here a stranger reads along. By
the same bridge, engine and simulated bus as a user's ``driver: circuitpython``, in virtual time.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.errors import Nack
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.circuitpython.driver import SPEC, check
from sensor_gateway.sensing.circuitpython.options import Options, Property
from sensor_gateway.sensing.once import OnceResult, read_once
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.simulation.build import simulated_bus
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.sht3x import Sht3x
from sensor_gateway.simulation.chips.sensirion import words_with_crc
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.models import MODELS
from sensor_gateway.simulation.virtual_clock import VirtualClock

Weather = Mapping[str, float]

AIR = (
    {"temperature": -17.3, "humidity": 81.4},
    {"temperature": 21.46, "humidity": 44.8},
    {"temperature": 58.9, "humidity": 7.7},
)
PRESSED = tuple({**air, "pressure": hpa} for air, hpa in zip(AIR, (1034.2, 987.65, 871.3), strict=True))


@dataclass(frozen=True, slots=True)
class Reader:
    """A foreign class, and the driver and variant of ours that it is held against.

    ``within`` is the step of the chip, as its datasheet says, by channel. ``differs`` holds what the foreign
    class says of the first weather that is not so.
    """

    class_: str
    ours: str
    variant: str
    weathers: tuple[Weather, ...]
    within: Mapping[str, float]
    sources: Mapping[str, str]
    scales: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    arguments: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    settle: float = 0.0
    ready: str = ""
    our_options: Mapping[str, object] = field(default_factory=dict)
    address: int = 0
    is_patient: bool = False
    differs: Mapping[str, float] = field(default_factory=dict)
    why: str = ""

    @property
    def spec(self) -> DriverSpec:
        spec = importlib.import_module(f"sensor_drivers.{self.ours}").SPEC
        assert isinstance(spec, DriverSpec)
        return spec

    @property
    def options(self) -> Options:
        quantities = {"illuminance", "temperature", "humidity", "pressure", "carbon_dioxide"}
        properties = {}
        for channel, source in self.sources.items():
            known: Any = channel if channel in quantities else "other"
            properties[channel] = Property(
                property=source,
                index=self.places.get(channel),
                scale=self.scales.get(channel, 1.0),
                quantity=known,
                unit="" if channel in quantities else "1",
            )
        return Options(
            class_=self.class_,
            properties=properties,
            arguments=self.arguments,
            settings=self.settings,
            calls=self.calls,
            settle=Seconds(self.settle),
            ready=self.ready,
        )


T, H, P = "temperature", "humidity", "pressure"
RH = {T: "temperature", H: "relative_humidity"}
LIGHT = {"illuminance": "lux"}
STALE_AIR = ({T: -7.2, H: 81.0, "carbon_dioxide": 417.0}, {T: 21.46, H: 44.8, "carbon_dioxide": 4950.0})
SMELLING = ({**PRESSED[0], "gas_resistance": 5e4}, {**PRESSED[1], "gas_resistance": 1.1e6})
FINE, COARSE = {T: 0.01, H: 0.01}, {T: 0.011, H: 0.04}
COLORS = {"red": 1, "green": 2, "blue": 3, "clear": 4}
THERMOMETER = ({T: -24.9375}, {T: 0.0}, {T: 21.4375}, {T: 101.5})

READERS = (
    Reader("adafruit_sht31d.SHT31D", "sht3x", "sht31", AIR, FINE, RH),
    Reader("adafruit_sht4x.SHT4x", "sht4x", "sht40", AIR, FINE, RH),
    Reader(
        "adafruit_sht4x.SHT4x", "sht4x", "sht40", AIR, FINE, {T: "measurements", H: "measurements"}, places={T: 1, H: 2}
    ),
    Reader("adafruit_shtc3.SHTC3", "shtc3", "shtc3", AIR, FINE, RH),
    Reader("adafruit_ahtx0.AHTx0", "aht20", "aht20", AIR, {T: 0.01, H: 0.024}, RH),
    Reader("adafruit_si7021.SI7021", "si7021", "si7021", AIR, COARSE, RH),
    Reader("adafruit_htu21d.HTU21D", "si7021", "htu21d", AIR, COARSE, RH, is_patient=True),
    Reader("adafruit_hdc302x.HDC302x", "hdc302x", "hdc3020", AIR, FINE, RH),
    Reader(
        "adafruit_scd4x.SCD4X",
        "scd4x",
        "scd40",
        STALE_AIR,
        {T: 0.01, H: 0.01, "carbon_dioxide": 1},
        {**RH, "carbon_dioxide": "CO2"},
        calls=("start_periodic_measurement",),
        ready="data_ready",
    ),
    Reader("adafruit_mcp9808.MCP9808", "mcp9808", "mcp9808", THERMOMETER, {T: 0.0625}, {T: T}),
    Reader("adafruit_tmp117.TMP117", "tmp117", "tmp117", THERMOMETER, {T: 0.0078125}, {T: T}),
    Reader("adafruit_adt7410.ADT7410", "adt7410", "adt7410", THERMOMETER, {T: 0.0625}, {T: T}),
    Reader(
        "adafruit_adt7410.ADT7410",
        "adt7410",
        "adt7410",
        THERMOMETER,
        {T: 0.0078125},
        {T: T},
        settings={"high_resolution": True},
        settle=0.25,
    ),
    Reader("adafruit_pct2075.PCT2075", "lm75", "pct2075", THERMOMETER, {T: 0.125}, {T: T}),
    Reader("adafruit_pct2075.PCT2075", "lm75", "lm75b", THERMOMETER, {T: 0.125}, {T: T}),
    Reader(
        "adafruit_bme280.basic.Adafruit_BME280_I2C",
        "bme280",
        "bme280",
        PRESSED,
        {T: 0.01, H: 0.01, P: 0.01},
        {**RH, P: P},
    ),
    Reader(
        "adafruit_bme280.advanced.Adafruit_BME280_I2C",
        "bme280",
        "bme280",
        PRESSED,
        {T: 0.01, H: 0.01, P: 0.01},
        {**RH, P: P},
    ),
    Reader("adafruit_bmp280.Adafruit_BMP280_I2C", "bme280", "bmp280", PRESSED, {T: 0.01, P: 0.01}, {T: T, P: P}),
    Reader("adafruit_bmp3xx.BMP3XX_I2C", "bmp3xx", "bmp388", PRESSED, {T: 0.01, P: 0.01}, {T: T, P: P}),
    Reader("adafruit_dps310.basic.DPS310", "dps310", "dps310", PRESSED, {T: 0.01, P: 0.01}, {T: T, P: P}),
    Reader(
        "adafruit_bme680.Adafruit_BME680_I2C",
        "bme680",
        "bme680",
        SMELLING,
        {T: 0.01, H: 0.01, P: 0.01, "gas_resistance": 1},
        {**RH, P: P, "gas_resistance": "gas"},
        differs={H: 82.6423},
        why="it swaps the nibbles of E2: the low one ends H1, the high one H2 (Bosch SensorAPI, Pimoroni)",
    ),
    Reader(
        "adafruit_bh1750.BH1750",
        "bh1750",
        "bh1750",
        ({"illuminance": 3.5}, {"illuminance": 417.5}, {"illuminance": 20000.0}),
        {"illuminance": 1.0},
        LIGHT,
    ),
    Reader(
        "adafruit_veml7700.VEML7700",
        "veml7700",
        "veml7700",
        ({"illuminance": 12.0}, {"illuminance": 417.5}, {"illuminance": 3000.0}),
        {"illuminance": 0.54},
        LIGHT,
        settle=0.15,
        our_options={"range": "daylight", "correction": "none"},
    ),
    Reader(
        "adafruit_veml7700.VEML7700",
        "veml7700",
        "veml7700",
        ({"illuminance": 12.0}, {"illuminance": 417.5}, {"illuminance": 30000.0}),
        {"illuminance": 2.5},
        {"illuminance": "autolux"},
    ),
    Reader(
        "adafruit_tsl2591.TSL2591",
        "tsl2591",
        "tsl2591",
        ({"illuminance": 12.0}, {"illuminance": 150.0}, {"illuminance": 280.0}),
        {"illuminance": 1.0},
        LIGHT,
        settle=0.15,
    ),
    Reader(
        "adafruit_tsl2561.TSL2561",
        "tsl2561",
        "tsl2561",
        ({"illuminance": 120.0}, {"illuminance": 1500.0}),
        {"illuminance": 5.0},
        LIGHT,
        settle=0.45,
    ),
    Reader(
        "adafruit_ltr390.LTR390",
        "ltr390",
        "ltr390",
        ({"illuminance": 12.0, "uv_index": 2.0}, {"illuminance": 1500.0, "uv_index": 8.0}),
        {"illuminance": 1.0},
        LIGHT,
    ),
    Reader(
        "adafruit_apds9960.apds9960.APDS9960",
        "apds9960",
        "apds9960",
        ({"clear": 900.0, "red": 300.0, "green": 400.0, "blue": 200.0},),
        dict.fromkeys(COLORS, 1.0),
        dict.fromkeys(COLORS, "color_data"),
        places=COLORS,
        settings={"enable_color": True},
        ready="color_data_ready",
        our_options={"integration": "712ms"},
    ),
    Reader(
        "adafruit_max44009.MAX44009",
        "max44009",
        "max44009",
        ({"illuminance": 300.0},),
        {"illuminance": 1.0},
        LIGHT,
        differs={"illuminance": 318.24},
        why="it reads both registers as one block, and the chip's pointer does not count on: the high byte comes twice",
    ),
)


def _constant(value: float, _at_s: float) -> float:
    return value


class PatientBus:
    """Asks a chip again after 10 ms that does not acknowledge."""

    def __init__(self, bus: SimulatedI2cBus, clock: VirtualClock) -> None:
        self.name = bus.name
        self.open, self.close = bus.open, bus.close
        self._bus = bus
        self._clock = clock

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        try:
            return self._bus.transfer(address, data, count)
        except Nack:
            self._clock.advance(0.01)
            return self._bus.transfer(address, data, count)


def chip_in(reader: Reader, weather: Weather) -> tuple[SimulatedI2cBus, VirtualClock, int]:
    """A bus with one of our models, in this weather."""
    spec = reader.spec
    address = reader.address or spec.variants[reader.variant].addresses[0]
    options = spec.options(**reader.our_options)
    channels = plan_alone("probe", spec, reader.variant, options, address).channels
    clock = VirtualClock()
    mounting = Mounting(
        sensor="probe",
        spec=spec,
        variant=reader.variant,
        options=options,
        address=address,
        interval_s=1.0,
        courses={
            planned.source.channel.name: partial(_constant, weather.get(planned.source.channel.name, 0.0))
            for planned in channels
        },
    )
    bus = SimulatedI2cBus("i2c1", [Socket(model=MODELS[spec.name], mounting=mounting)], clock=clock)  # type: ignore[arg-type]
    return bus, clock, address


def read_by_them(reader: Reader, weather: Weather) -> OnceResult:
    bus, clock, address = chip_in(reader, weather)
    plan = plan_alone("probe", SPEC, "circuitpython", reader.options, address)
    there: Any = PatientBus(bus, clock) if reader.is_patient else bus
    return read_once(there, plan, clock, wait=clock.advance)


def read_by_us(reader: Reader, weather: Weather) -> OnceResult:
    bus, clock, address = chip_in(reader, weather)
    options = reader.spec.options(**reader.our_options)
    plan = plan_alone("probe", reader.spec, reader.variant, options, address)
    return read_once(bus, plan, clock, wait=clock.advance)


def needed(module: str) -> None:
    """Skip where a library is not installed, unless whoever runs this has promised that it is."""
    if find_spec(module) is not None:
        return
    if os.environ.get("SENSOR_GATEWAY_READERS") == "installed":
        pytest.fail(f"{module} is not installed: see requirements-readers.in")
    pytest.skip(f"{module} is not installed: ./dev test installs it from requirements-readers.txt")


def module_of(reader: Reader) -> str:
    return reader.class_.partition(".")[0]


CASES = [
    pytest.param(reader, weather, id=f"{reader.class_}-{reader.variant}-{number}-{place}")
    for number, reader in enumerate(READERS)
    for place, weather in enumerate(reader.weathers)
]


@pytest.mark.parametrize(("reader", "weather"), CASES)
def test_a_stranger_reads_what_our_driver_reads(reader: Reader, weather: Weather) -> None:
    needed(module_of(reader))
    theirs, ours = read_by_them(reader, weather), read_by_us(reader, weather)
    assert theirs.values is not None, f"{theirs.failure}\n{theirs.trace}"
    assert ours.values is not None, ours.failure
    for channel, value in theirs.values.items():
        if channel in reader.differs:
            assert value != pytest.approx(ours.values[channel], abs=1.01 * reader.within[channel]), reader.why
            if weather is reader.weathers[0]:
                assert value == pytest.approx(reader.differs[channel], abs=0.001), reader.why
        else:
            assert value == pytest.approx(ours.values[channel], abs=1.01 * reader.within[channel])


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: f"{reader.class_}-{reader.variant}")
def test_the_configuration_that_reads_so_has_no_fault(reader: Reader) -> None:
    needed(module_of(reader))
    assert check(reader.options) == ()


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: f"{reader.class_}-{reader.variant}")
def test_a_simulation_has_the_chip_that_the_class_reads(reader: Reader) -> None:
    needed(module_of(reader))
    address = reader.spec.variants[reader.variant].addresses[0]
    plan = plan_alone("probe", SPEC, "circuitpython", reader.options, address)
    clock = VirtualClock()
    bus = simulated_bus("i2c1", "i2c", [plan], clock=clock)
    there: Any = PatientBus(bus, clock) if reader.is_patient else bus
    found = read_once(there, plan, clock, wait=clock.advance)
    assert found.values is not None, found.failure
    assert found.values.keys() == reader.sources.keys()


def test_a_model_that_counts_wrong_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: two drivers of one mind would not notice."""
    needed("adafruit_sht31d")

    class Inverted(Sht3x):
        def read(self, count: int, now_s: float) -> bytes:
            return words_with_crc(*(0xFFFF - word for word in (0x6147, 0x70A3))) if count == 6 else b""

    reader = READERS[0]
    monkeypatch.setitem(MODELS, "sht3x", Inverted)  # type: ignore[arg-type]
    theirs = read_by_them(reader, reader.weathers[1]).values
    assert theirs is not None
    assert theirs["temperature"] != pytest.approx(reader.weathers[1]["temperature"], abs=1)


def test_the_htu21d_of_adafruit_asks_before_the_reset_is_over() -> None:
    """It waits 10 ms after a soft reset, which takes up to 15 (HTU21D, page 12): a slow chip does not acknowledge."""
    needed("adafruit_htu21d")
    reader = next(reader for reader in READERS if reader.is_patient)
    hasty = dataclasses.replace(reader, is_patient=False)
    assert read_by_them(hasty, AIR[0]).code == FailureCode.NACK


GLUE = """
from adafruit_ads1x15.ads1115 import ADS1115
from adafruit_ads1x15.analog_in import AnalogIn


class SupplyAndTank:
    def __init__(self, i2c, address=0x48, gain=1):
        chip = ADS1115(i2c, address=address, gain=gain)
        self._inputs = [AnalogIn(chip, pin) for pin in (0, 3)]

    def voltages(self):
        return [each.voltage for each in self._inputs]
"""


def test_a_class_of_ones_own_puts_a_library_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no key can say (here: an input of an ADC is an object of its own) is said in a few lines of Python."""
    needed("adafruit_ads1x15")
    (tmp_path / "glue_of_a_user.py").write_text(GLUE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    volts = {"a0": 3.3, "a1": 0.0, "a2": 0.0, "a3": 1.2345}
    reader = Reader(
        "glue_of_a_user.SupplyAndTank",
        "ads1115",
        "ads1115",
        (volts,),
        {"a0": 0.000125, "a3": 0.000125},
        {"a0": "voltages", "a3": "voltages"},
        places={"a0": 1, "a3": 2},
        arguments={"gain": 1},
        our_options=dict.fromkeys(("a0", "a1", "a2", "a3"), "auto"),
    )
    assert check(reader.options) == ()
    found = read_by_them(reader, volts)
    assert found.values == {"a0": pytest.approx(3.3, abs=0.0002), "a3": pytest.approx(1.2345, abs=0.0002)}, (
        found.failure
    )
