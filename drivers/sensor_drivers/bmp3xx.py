"""Bosch BMP384, BMP388 and BMP390 on I2C: pressure and temperature.

Datasheets: BST-BMP390-DS002 rev 1.7 (sections cited below are its own), BST-BMP388-DS001, BST-BMP384-DS003. Addresses:
76 (SDO to ground), 77 (SDO to supply). Only the trimming data has a checksum.

The answer, one burst from 04 so that both values are of one measurement (section 3.10)::

    04          05      06       07         08      09
    press_xlsb  _lsb    _msb     temp_xlsb  _lsb    _msb
    7..0        15..8   23..16   7..0       15..8   23..16
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw
from sensor_drivers.bmp3xx_formulas import LENGTH, Trimming, checked, compensated, trimming

# Registers (section 4.3).
READ_CHIP_ID = gw.WriteRead(b"\x00", 1)
READ_STATUS = gw.WriteRead(b"\x03", 1)
READ_DATA = gw.WriteRead(b"\x04", 6)
READ_TRIMMING = gw.WriteRead(b"\x30", 1 + LENGTH)  # a checksum, and NVM_PAR_T1 to _P11
OSR, CONFIG = 0x1C, 0x1F
FORCE = gw.Write(b"\x1b\x13")  # PWR_CTRL: press_en, temp_en, mode 01
SOFT_RESET = gw.Write(b"\x7e\xb6")

DRDY = 0x60  # status: drdy_press, drdy_temp
START_UP = gw.Wait(0.002)  # section 1, "start-up time"
POLL_PAUSE = gw.Wait(0.005)
POLLS = 10

NOT_MEASURED = 0x800000  # reset value of both data registers
# BMP384 and BMP388 look alike.
IDS = {"bmp384": 0x50, "bmp388": 0x50, "bmp390": 0x60}

Oversampling: TypeAlias = Literal[1, 2, 4, 8, 16, 32]
Filter: TypeAlias = Literal[0, 1, 3, 7, 15, 31, 63, 127]
SAMPLES = (1, 2, 4, 8, 16, 32)  # osr_p, osr_t (section 4.3.19)
COEFFICIENTS = (0, 1, 3, 7, 15, 31, 63, 127)  # iir_filter (section 4.3.21)

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=85, resolution=0.01, deadband=0.1)
_P = gw.Channel(quantity=gw.PRESSURE, low=300, high=1250, resolution=0.002, deadband=0.2)


def _variant(part: str) -> gw.Variant:
    bits = gw.wire_bits(FORCE, READ_STATUS, READ_DATA)
    return gw.Variant(addresses=(0x76, 0x77), channels=(_T, _P), wire_bits=bits, part=part, has_identity=True)


VARIANTS = {"bmp388": _variant("BMP388"), "bmp384": _variant("BMP384"), "bmp390": _variant("BMP390")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures: more samples are less noise and take longer (22 ms by default, 152 ms at most)."""

    temperature_oversampling: Annotated[Oversampling, "samples per measurement"] = 1
    pressure_oversampling: Annotated[Oversampling, "samples per measurement"] = 8
    filter: Annotated[Filter, "coefficient of the chip's own low-pass over measurements; 0: off"] = 0


def convert(chip: Trimming, data: bytes) -> gw.Values:
    """Values of one burst. Total: values within limits, or an error."""
    if len(data) != READ_DATA.count:
        raise gw.BadFrame("measurement of the wrong length", expected="6 bytes", got=data)
    adc_p, adc_t = int.from_bytes(data[:3], "little"), int.from_bytes(data[3:], "little")
    if adc_p == NOT_MEASURED and adc_t == NOT_MEASURED:
        raise gw.NotReady("the data registers hold their reset values: nothing was measured since power-on")
    celsius, pascal = compensated(chip, adc_p, adc_t)
    return gw.all_within((_T, _P), {"temperature": celsius, "pressure": pascal / 100})


class Bmp3xx:
    """One chip. It sleeps between measurements, each of which is forced."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out register values and measurement time; nothing is sent yet."""
        self._variant = variant
        self._chip: Trimming | None = None
        t, p = options.temperature_oversampling, options.pressure_oversampling
        self._set_oversampling = gw.Write(bytes((OSR, SAMPLES.index(t) << 3 | SAMPLES.index(p))))
        self._set_filter = gw.Write(bytes((CONFIG, COEFFICIENTS.index(options.filter) << 1)))
        # Section 3.9.2, in microseconds, typically: the longest is a sixth more, and drdy tells.
        self._duration = gw.Wait((234 + 392 + p * 2020 + 163 + t * 2020) * 1e-6 * 1.17)

    def identify(self) -> gw.Identifying:
        """Check the id, and since it is one byte, the checksum of the trimming data: other chips fail it."""
        answer = yield READ_CHIP_ID
        if answer[0] != IDS[self._variant]:
            expected = f"{IDS[self._variant]:02x} ({VARIANTS[self._variant].part})"
            raise gw.WrongChip("chip id, register 00", expected=expected, got=answer)
        trimming(checked((yield READ_TRIMMING)))
        return gw.Identity(part=VARIANTS[self._variant].part, channels=("temperature", "pressure"))

    def setup(self) -> gw.Preparing:
        """Reset the chip, read its trimming data and configure it, asleep."""
        yield SOFT_RESET
        yield START_UP
        self._chip = trimming(checked((yield READ_TRIMMING)))
        yield self._set_oversampling
        yield self._set_filter

    def measure(self) -> gw.Measuring:
        """Force one measurement, wait for it, and read it in one burst."""
        if self._chip is None:
            raise gw.NotReady("the trimming data was not read yet")
        yield FORCE
        yield self._duration
        yield from gw.until(READ_STATUS, _is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="no values")
        return convert(self._chip, (yield READ_DATA))


def _is_ready(status: bytes) -> bool:
    return status[0] & DRDY == DRDY


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: trimming data 31 to 45, and the burst."""
    block, data = vector.frames
    return convert(trimming(block), data)


_ELIXIR = "elixir-sensors/bmp3xx test/bmp3xx/bmp388/calibration_test.exs"
_ELIXIR_TRIMMING = "23 6b 58 49 f6 5c ff ce f4 23 00 ea 63 6e 79 f3 f6 aa 43 12 c4"
_ASASINE = "asasine/bmp390 src/bmp390/measure.rs and test_utils.rs, in single precision"
_ASASINE_TRIMMING = "98 6c a9 4a f9 e3 1c 61 16 06 01 51 4a de 5d 03 fa f9 0e 06 f5"

VECTORS = tuple(
    gw.vector(variant, *frames, temperature=t, pressure=p, tolerance=by, source=source)
    for variant, source, t, p, by, *frames in (
        ("bmp388", _ELIXIR, 30.4993145, 1008.7600635, 1e-6, _ELIXIR_TRIMMING, "97 9f 6d 73 d8 85"),
        ("bmp390", _ASASINE, 25.770746, 983.7055, 1e-3, _ASASINE_TRIMMING, "cb b3 6b d1 ba 82"),
    )
)

SPEC = gw.DriverSpec(
    name="bmp3xx",
    summary="Bosch BMP384, BMP388, BMP390: temperature, pressure",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Bmp3xx(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    frozen_after={"pressure": 300},  # its last bits are noise: 300 equal ones come from no living chip
    heeds=gw.Heeds(with_data=b"\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1f\x7e"),
)
