"""Bosch BME280 (temperature, pressure, humidity) and BMP280 (temperature, pressure) on I2C.

Datasheets: BST-BME280-DS002 rev 1.6 (sections cited below are its own) and BST-BMP280-DS001 rev 1.23.
Addresses: 76 (SDO to ground), 77 (SDO to supply). Neither chip has a checksum.

The answer, one burst from F7 so that all values are of one measurement (section 4; the BMP280 ends at FC)::

    F7         F8        F9          FA        FB        FC          FD       FE
    press_msb  _lsb      _xlsb       temp_msb  _lsb      _xlsb       hum_msb  hum_lsb
    19..12     11..4     3..0 0000   19..12    11..4     3..0 0000   15..8    7..0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw
from sensor_drivers.bme280_formulas import LENGTHS, Trimming, celsius, hectopascal, percent, trimming

# Registers (section 5.3) and what is asked of them.
CTRL_HUM, CTRL_MEAS, CONFIG = 0xF2, 0xF4, 0xF5
READ_ID = gw.WriteRead(b"\xd0", 1)
READ_STATUS = gw.WriteRead(b"\xf3", 1)
READ_TRIMMING = gw.WriteRead(b"\x88", LENGTHS[0])  # calib00..25: T1..P9, one unused byte, H1 (table 16)
READ_HUMIDITY_TRIMMING = gw.WriteRead(b"\xe1", LENGTHS[1])  # calib26..32: H2..H6
READ_DATA_BMP = gw.WriteRead(b"\xf7", 6)
READ_DATA_BME = gw.WriteRead(b"\xf7", 8)
RESET = gw.Write(b"\xe0\xb6")  # section 5.4.2

BME280_ID = 0x60
BMP280_IDS = (0x58, 0x57, 0x56)  # 56 and 57 are engineering samples
MEASURING, IM_UPDATE = 0x08, 0x01  # status bits (section 5.4.4)
FORCED = 0x01  # mode[1:0] (section 3.3)
START_UP = gw.Wait(0.002)  # section 1.1, "start-up time"
POLL_PAUSE = gw.Wait(0.002)
POLLS = 10

SKIPPED, HUMIDITY_SKIPPED = 0x80000, 0x8000  # reset values of the data registers (sections 5.4.7 to 5.4.9)

Oversampling: TypeAlias = Literal[1, 2, 4, 8, 16]
Filter: TypeAlias = Literal[0, 2, 4, 8, 16]
OSRS = {1: 1, 2: 2, 4: 3, 8: 4, 16: 5}  # tables 20, 23, 24
FILTER = {0: 0, 2: 1, 4: 2, 8: 3, 16: 4}  # table 28

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=85, resolution=0.01, deadband=0.1)
_P = gw.Channel(quantity=gw.PRESSURE, low=300, high=1100, resolution=0.002, deadband=0.2)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.008, deadband=0.5)


def _variant(part: str, channels: tuple[gw.Channel, ...], *measuring: gw.Write | gw.WriteRead) -> gw.Variant:
    bits = gw.wire_bits(READ_STATUS, *measuring)
    return gw.Variant(addresses=(0x76, 0x77), channels=channels, wire_bits=bits, part=part, has_identity=True)


VARIANTS = {  # and what is written and read beside the status
    "bme280": _variant("BME280", (_T, _P, _H), gw.Write(bytes((CTRL_HUM, 0, CTRL_MEAS, FORCED))), READ_DATA_BME),
    "bmp280": _variant("BMP280", (_T, _P), gw.Write(bytes((CTRL_MEAS, FORCED))), READ_DATA_BMP),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures: more samples are less noise and take longer (18 ms by default, 113 ms at most)."""

    temperature_oversampling: Annotated[Oversampling, "samples per measurement"] = 2
    pressure_oversampling: Annotated[Oversampling, "samples per measurement"] = 4
    humidity_oversampling: Annotated[Oversampling, "samples per measurement"] = 1
    filter: Annotated[Filter, "the chip's own low-pass for temperature and pressure over measurements; 0: off"] = 0


def convert(chip: Trimming, data: bytes) -> gw.Values:
    """Values of one burst, by the floating point formulas of section 8.1. Total: values within limits, or an error."""
    if len(data) != (READ_DATA_BMP if chip.h is None else READ_DATA_BME).count:
        raise gw.BadFrame("measurement of the wrong length", expected="6 bytes, or 8 with humidity", got=data)
    adc_p = data[0] << 12 | data[1] << 4 | data[2] >> 4
    adc_t = data[3] << 12 | data[4] << 4 | data[5] >> 4
    # A temperature near 23 °C may be 80000 by itself. Both at once are registers that nobody has written.
    if adc_t == SKIPPED and adc_p == SKIPPED:
        raise gw.NotReady("the data registers hold their reset values: nothing was measured since power-on")
    fine, temperature = celsius(chip.t, adc_t)
    values = {"temperature": temperature, "pressure": hectopascal(chip.p, fine, adc_p)}
    if chip.h is not None:
        adc_h = data[6] << 8 | data[7]
        if adc_h == HUMIDITY_SKIPPED:
            raise gw.NotReady("the humidity register holds its reset value: humidity was not measured")
        values["humidity"] = percent(chip.h, fine, adc_h)
    return gw.all_within((_T, _P, _H), values)


class Bme280:
    """One chip. It sleeps between measurements, each of which is forced."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out the register values and the conversion time; nothing is sent yet."""
        t, p = OSRS[options.temperature_oversampling], OSRS[options.pressure_oversampling]
        self._variant = variant
        self._options = options
        self._chip: Trimming | None = None
        self._configure = gw.Write(bytes((CTRL_MEAS, t << 5 | p << 2, CONFIG, FILTER[options.filter] << 2)))
        self._plan(has_humidity=variant == "bme280")

    def _plan(self, *, has_humidity: bool) -> None:
        options = self._options
        self._has_humidity = has_humidity
        force = self._configure.data[1] | FORCED
        # Section 9.1, maximum, in milliseconds.
        milliseconds = 1.25 + 2.3 * options.temperature_oversampling + 2.3 * options.pressure_oversampling + 0.575
        if has_humidity:
            milliseconds += 2.3 * options.humidity_oversampling + 0.575
            # ctrl_hum works from the next write of ctrl_meas on (section 5.4.3), so it goes first, each time:
            # a chip that lost power meanwhile still measures as configured.
            self._force = gw.Write(bytes((CTRL_HUM, OSRS[options.humidity_oversampling], CTRL_MEAS, force)))
            self._read = READ_DATA_BME
        else:
            self._force = gw.Write(bytes((CTRL_MEAS, force)))
            self._read = READ_DATA_BMP
        self._conversion = gw.Wait(milliseconds / 1000)

    def identify(self) -> gw.Identifying:
        """Tell BME280 and BMP280 apart by their id: sellers do not."""
        answer = yield READ_ID
        is_bme = answer[0] == BME280_ID
        if not is_bme and answer[0] not in BMP280_IDS:
            raise gw.WrongChip("id register D0", expected="60 (BME280) or 58 (BMP280)", got=answer)
        wants_humidity = self._variant == "bme280"
        self._plan(has_humidity=is_bme and wants_humidity)
        note = ""
        if wants_humidity and not is_bme:
            note = "this BME280 is a BMP280: it has no humidity sensor. Write `driver: bmp280`, or return it."
        elif is_bme and not wants_humidity:
            note = "this BMP280 is a BME280: write `driver: bme280` to get its humidity too."
        channels = VARIANTS["bme280" if self._has_humidity else "bmp280"].channels
        return gw.Identity(
            part="BME280" if is_bme else "BMP280", channels=tuple(channel.name for channel in channels), note=note
        )

    def setup(self) -> gw.Preparing:
        """Reset the chip, read its trimming data and configure it, asleep."""
        yield RESET
        yield START_UP
        yield from _until_clear(IM_UPDATE, "the chip still loads its trimming data")
        block = yield from gw.read_twice(READ_TRIMMING)
        humidity = (yield from gw.read_twice(READ_HUMIDITY_TRIMMING)) if self._has_humidity else None
        self._chip = trimming(block, humidity)
        yield self._configure

    def measure(self) -> gw.Measuring:
        """Force one measurement, wait for it, and read it in one burst."""
        if self._chip is None:
            raise gw.NotReady("the trimming data was not read yet")
        yield self._force
        yield self._conversion
        yield from _until_clear(MEASURING, "the chip still measures")
        return convert(self._chip, (yield self._read))


def _until_clear(bit: int, complaint: str) -> gw.Preparing:
    yield from gw.until(
        READ_STATUS, lambda status: not status[0] & bit, pause=POLL_PAUSE, tries=POLLS, otherwise=complaint
    )


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: trimming 88..A1, for a BME280 also E1..E7, and the burst."""
    *blocks, data = vector.frames
    return convert(trimming(*blocks), data)


def _vector(source: str, by: float, values: tuple[float, ...], *frames: str) -> gw.Vector:
    named = dict(zip(("temperature", "pressure", "humidity"), values, strict=False))
    return gw.vector(
        "bme280" if "humidity" in named else "bmp280", *frames, source=source, tolerance=by, options=None, **named
    )


_BOSCH = "70 6b 43 67 18 fc 7d 8e 43 d6 d0 0b 27 0b 8c 00 f9 ff 8c 3c f8 c6 70 17 00 00"
_PERIPH = "10 6e 6c 66 32 00 5d 95 b8 d5 d0 0b 77 1e 9d ff f9 ff ac 26 0a d8 bd 10 00 4b"
_PERIPH_INT = "10 6e 6c 66 5e 01 5d 95 b8 d5 d0 0b 77 1e 9d ff f9 ff ac 26 0a d8 bd 10 00 4b"
_PERIPH_H = "6e 01 00 13 05 00 1e"
_PIMORONI = "69 6d 36 64 32 00 e9 98 02 d6 d0 0b 23 16 88 ff f9 ff 8c 3c f8 c6 70 17 00 4b"
_PIMORONI_H = "78 01 00 11 2e 03 1e"  # an H5 that is not 0

_WORKED = "BST-BMP280-DS001 section 3.12, worked example: 25.08 °C, 100653.27 Pa"
_RECORDED = "periph/devices bmxx80/bmx280_test.go, TestI2CSense*_success: recorded from a chip, integer formulas"
_INTEGER = "periph/devices bmxx80/bmx280_test.go, TestCalibration280Int (its float test leaves out a square of 8.1)"
_DOUBLE = "pimoroni/bme280-python tests/test_compensation.py"

VECTORS = (
    _vector(_WORKED, 0.003, (25.08, 1006.5327), _BOSCH, "65 5a c0 7e ed 00"),
    _vector(_RECORDED, 0.02, (23.72, 1009.42695, 65.3056), _PERIPH, _PERIPH_H, "4a 52 c0 80 96 c0 7a 76"),
    _vector(_RECORDED, 0.02, (23.72, 1009.42695), _PERIPH, "4a 52 c0 80 96 c0"),
    _vector(_INTEGER, 0.02, (22.93, 1000.43215, 63.17), _PERIPH_INT, _PERIPH_H, "4b 77 00 7f f5 00 79 0b"),
    _vector(_DOUBLE, 0.001, (24.7895, 1006.6152, 68.67), _PIMORONI, _PIMORONI_H, "4f ca 00 81 32 70 76 49"),
)

SPEC = gw.DriverSpec(
    name="bme280",
    summary="Bosch BME280 and BMP280: temperature, pressure, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Bme280(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    frozen_after={"pressure": 300},  # its last bits are noise: 300 equal ones come from no living chip
    heeds=gw.Heeds(with_data=b"\xe0\xf2\xf4\xf5"),
)
