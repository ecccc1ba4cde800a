"""Bosch BME680 and BME688 on I2C: temperature, pressure, humidity and the resistance of a heated gas sensor.

Datasheets: BST-BME680-DS001 rev 1.9 (sections cited below are its own), BST-BME688-DS000 rev 1.3. Where they keep
silent, Bosch's own BME68x SensorAPI v4.4 is cited. Addresses: 76 (SDO to ground), 77 (SDO to supply). No checksum.

The answer, one burst from 1D so that all values are of one measurement (section 5.2)::

    1D      1E     1F 20 21       22 23 24      25 26    2A and 2B, of a BME688 2C and 2D
    status  index  press: 19..12  temp: 19..12  hum      gas_r: 9..2
                   11..4, 3..0    11..4, 3..0            1..0, gas_valid, heat_stab, gas_range (4)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.bme68x_formulas as bme68x
import sensor_gateway.driver as gw

# Registers (section 5.3).
READ_ID = gw.WriteRead(b"\xd0", 1)
READ_VARIANT_ID = gw.WriteRead(b"\xf0", 1)  # SensorAPI: 0 for a BME680, 1 for a BME688
READ_TRIMMING = (gw.WriteRead(b"\x8a", 23), gw.WriteRead(b"\xe1", 14), gw.WriteRead(b"\x00", 5))
READ_FIELD = gw.WriteRead(b"\x1d", 17)
RESET = gw.Write(b"\xe0\xb6")
RES_HEAT_0, GAS_WAIT_0, CTRL_GAS_0, CTRL_GAS_1, CTRL_HUM, CTRL_MEAS, CONFIG = 0x5A, 0x64, 0x70, 0x71, 0x72, 0x74, 0x75
CHIP_ID = b"\x61"
PARTS = {0: "bme680", 1: "bme688"}

NEW_DATA, MEASURING = 0x80, 0x60  # status: a result is there; gas, or the others, are being measured
FORCED, HEAT_OFF = 0x01, 0x08
RUN_GAS = {"bme680": 0x10, "bme688": 0x20}
GAS_AT = {"bme680": slice(13, 15), "bme688": slice(15, 17)}  # in the burst
START_UP = gw.Wait(0.010)  # SensorAPI, BME68X_PERIOD_RESET
POLL_PAUSE = gw.Wait(0.010)
POLLS = 10

SKIPPED, HUMIDITY_SKIPPED = 0x80000, 0x8000

Oversampling: TypeAlias = Literal[1, 2, 4, 8, 16]
Filter: TypeAlias = Literal[0, 1, 3, 7, 15, 31, 63, 127]
SAMPLES = (0, 1, 2, 4, 8, 16)  # osrs_h, osrs_t, osrs_p (section 5.3.1)
COEFFICIENTS = (0, 1, 3, 7, 15, 31, 63, 127)  # filter (section 5.3.2.4)
USUAL_AMBIENT = 25.0
HEATING = gw.Seconds(0.15)


def _write(*pairs: int) -> gw.Write:
    """Registers and what is written to each."""
    return gw.Write(bytes(pairs))


_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=85, resolution=0.01, deadband=0.1)
_P = gw.Channel(quantity=gw.PRESSURE, low=300, high=1100, resolution=0.002, deadband=0.2)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.008, deadband=0.5)
_G = gw.Channel(name="gas_resistance", quantity=gw.other("Ω"), low=100, high=110e6, resolution=1, deadband=1000)
CHANNELS = (_T, _P, _H, _G)


def _variant(part: str) -> gw.Variant:
    bits = gw.wire_bits(_write(RES_HEAT_0, 0, CTRL_MEAS, FORCED), READ_FIELD)
    return gw.Variant(addresses=(0x76, 0x77), channels=CHANNELS, wire_bits=bits, part=part, has_identity=True)


VARIANTS = {"bme680": _variant("BME680"), "bme688": _variant("BME688")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By default it takes 0.2 s, most of it to heat the gas sensor."""

    temperature_oversampling: Annotated[Oversampling, "samples per measurement"] = 2
    pressure_oversampling: Annotated[Oversampling, "samples per measurement"] = 4
    humidity_oversampling: Annotated[Oversampling, "samples per measurement"] = 1
    filter: Annotated[Filter, "coefficient of the chip's own low-pass for temperature and pressure; 0: off"] = 0
    gas: Annotated[bool, "measure gas too; without it the chip does not heat itself"] = True
    heater_temperature: Annotated[int, "of the gas sensor, 200 to 400 °C"] = 320
    heater_duration: Annotated[gw.Seconds, "how long to heat before gas is measured, 1ms to 4s"] = HEATING


def check(options: Options) -> tuple[str, ...]:
    """Sentences about a heater that the chip does not have."""
    complaints = []
    if not 200 <= options.heater_temperature <= 400:
        complaints.append(f"heater_temperature is 200 to 400 °C, got {options.heater_temperature}")
    if not 0.001 <= options.heater_duration <= 4:
        complaints.append(f"heater_duration is 1ms to 4s, got {options.heater_duration:g} s")
    return tuple(complaints)


def channels_of(options: Options) -> tuple[gw.Channel, ...]:
    """What is measured."""
    return CHANNELS if options.gas else CHANNELS[:3]


def convert(chip: bme68x.Trimming, field: bytes, *, part: str, gas: bool) -> gw.Values:
    """Values of one burst. Total: values within limits, or an error."""
    if len(field) != READ_FIELD.count:
        raise gw.BadFrame("measurement of the wrong length", expected="17 bytes", got=field)
    adc_p, adc_t = int.from_bytes(field[2:5], "big") >> 4, int.from_bytes(field[5:8], "big") >> 4
    adc_h = field[8] << 8 | field[9]
    if (adc_t == SKIPPED and adc_p == SKIPPED) or adc_h == HUMIDITY_SKIPPED:
        raise gw.NotReady("the data registers hold their reset values: not all was measured since power-on")
    t = bme68x.celsius(chip, adc_t)
    p, h = bme68x.pascal(chip, adc_p, t) / 100, bme68x.percent(chip, adc_h, t)
    values = {"temperature": t, "pressure": p, "humidity": h}
    if gas:
        values["gas_resistance"] = bme68x.ohm(chip, field[GAS_AT[part]], part)
    return gw.all_within(CHANNELS, values)


class Bme680:
    """One chip. It sleeps between measurements, each of which is forced."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out register values and the measurement time; nothing is sent yet."""
        self._variant = self._part = variant
        self._options = options
        self._chip: bme68x.Trimming | None = None
        self._ambient = USUAL_AMBIENT
        t, p, h = options.temperature_oversampling, options.pressure_oversampling, options.humidity_oversampling
        self._force = SAMPLES.index(t) << 5 | SAMPLES.index(p) << 2 | FORCED
        # Typical; a tenth more, and the chip tells when it is done.
        self._duration = gw.Wait(1.1 * bme68x.measuring_s(t + p + h, options.heater_duration if options.gas else 0.0))

    def identify(self) -> gw.Identifying:
        """Tell BME680 and BME688 apart by their variant id: the gas formulas differ, and sellers do not."""
        yield from gw.identified(READ_ID, CHIP_ID, what="id register D0")
        answer = yield from gw.read_twice(READ_VARIANT_ID)
        if answer[0] not in PARTS:
            raise gw.WrongChip("variant id register F0", expected="00 (BME680) or 01 (BME688)", got=answer)
        self._part = PARTS[answer[0]]
        is_other = self._part != self._variant
        note = f"this {self._variant.upper()} is a {self._part.upper()}, and is read as one." if is_other else ""
        channels = tuple(channel.name for channel in channels_of(self._options))
        return gw.Identity(part=self._part.upper(), channels=channels, note=note)

    def setup(self) -> gw.Preparing:
        """Reset the chip, read its trimming data and configure it, asleep."""
        yield RESET
        yield START_UP
        first, second, third = READ_TRIMMING
        block_8a = yield from gw.read_twice(first)
        block_e1 = yield from gw.read_twice(second)
        self._chip = bme68x.trimming(block_8a, block_e1, (yield from gw.read_twice(third)))
        run_gas, heat_off = (RUN_GAS[self._part], 0) if self._options.gas else (0, HEAT_OFF)
        heating = bme68x.gas_wait(self._options.heater_duration)
        yield _write(GAS_WAIT_0, heating, CTRL_GAS_0, heat_off, CTRL_GAS_1, run_gas)
        yield _write(CTRL_HUM, SAMPLES.index(self._options.humidity_oversampling))
        yield _write(CONFIG, COEFFICIENTS.index(self._options.filter) << 2)

    def measure(self) -> gw.Measuring:
        """Force one measurement, wait for it, and read it in one burst."""
        if self._chip is None:
            raise gw.NotReady("the trimming data was not read yet")
        heat = bme68x.res_heat(self._chip, self._options.heater_temperature, self._ambient)
        yield _write(RES_HEAT_0, heat, CTRL_MEAS, self._force)
        yield self._duration
        field = yield from gw.until(READ_FIELD, _is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="no values")
        values = convert(self._chip, field, part=self._part, gas=self._options.gas)
        self._ambient = values["temperature"]
        return values


def _is_ready(field: bytes) -> bool:
    return field[0] & (NEW_DATA | MEASURING) == NEW_DATA


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: trimming data 8A..A0, E1..EE and 00..04, and the burst."""
    *blocks, field = vector.frames
    return convert(bme68x.trimming(*blocks), field, part=vector.variant, gas=vector.options["gas"])


def _vector(source: str, by: float, values: tuple[float, ...], *frames: str, variant: str = "bme680") -> gw.Vector:
    named = dict(zip(("temperature", "pressure", "humidity", "gas_resistance"), values, strict=False))
    return gw.vector(variant, *frames, source=source, tolerance=by, options={"gas": len(values) == 4}, **named)


_PERIPH = (
    "b5 65 03 f0 d1 8e 75 d7 58 00 9f 26 08 ff 26 1e 00 00 6a f7 24 f5 1e",
    "3f 5b 2f 00 2d 14 78 9c fe 64 51 d3 ba 12",
    "36 aa 16 49 13",
)
_ELIXIR = (
    "b2 66 03 10 43 8a 5b d7 58 00 e4 12 8a ff 1a 1e 00 00 03 fd d9 f2 1e",
    "3f dd 2c 00 2d 14 78 9c 53 66 af e8 e2 12",
    "00 00 00 00 00",
)
_PIMORONI = (
    "65 67 03 00 41 8f ed d6 58 00 8e 1c 7f ff 2e 1e 00 00 97 f3 b5 f6 1e",
    "40 54 2a 00 2d 14 78 9c b9 65 4e 9f e2 12",
    "30 00 10 00 00",
)
_AIR = "80 00 60 1e 90 75 5d c0 41 b4 00 00 00"  # the burst up to the gas

_INTEGER = "periph/devices bme68x/bme680_test.go, TestCompensations: integer formulas, some 7 Pa lower"
_FLOAT = "elixir-sensors/bmp280 test/bmp280/sensor/bme680_sensor_test.exs; its gas formula adds 0.5 Ω"
_DUMP = "pimoroni/bme680-python tests/test_compensation.py: integer formulas, some 5 Pa lower"
_HIGH = "what pimoroni's bme680 2.0.0 makes of these registers, with variant id 1; integer formulas but for gas"

VECTORS = (
    _vector(_INTEGER, 0.07, (20.70, 1015.13, 67.561), *_PERIPH, "80 00 47 40 30 75 46 30 60 27 00 00 00 60 ba 00 00"),
    _vector(_FLOAT, 0.006, (19.3113, 1009.7752, 25.2), *_ELIXIR, _AIR + "30 f9 00 00"),
    _vector(_FLOAT, 0.51, (19.3113, 1009.7752, 25.2, 20467.2644), *_ELIXIR, _AIR + "30 f9 00 00"),
    _vector(_DUMP, 0.05, (26.69, 987.12, 42.402), *_PIMORONI, "80 00 56 4c d0 7a 5f 80 4a 4b 00 00 00 00 30 00 00"),
    _vector(_HIGH, 0.05, (19.31, 1009.74, 25.2, 162798.09221), *_ELIXIR, _AIR + "00 00 30 f9", variant="bme688"),
    _vector(_HIGH, 0.05, (19.31, 1009.74, 25.2, 1757939.91416), *_ELIXIR, _AIR + "00 00 af 35", variant="bme688"),
)

SPEC = gw.DriverSpec(
    name="bme680",
    summary="Bosch BME680 and BME688: temperature, pressure, humidity, gas resistance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Bme680(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    channels_of=channels_of,
    check=check,
    frozen_after={"pressure": 300},  # its last bits are noise: 300 equal ones come from no living chip
    heeds=gw.Heeds(with_data=bytes((*range(0x50, 0x6E), 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0xE0))),
)
