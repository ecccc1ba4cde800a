"""Sensirion SCD40, SCD41 on I2C: carbon dioxide, temperature and relative humidity, each word with a checksum.

Datasheet: Sensirion SCD4x, version 1.7 (sections cited below). Address 62.

The answer to read_measurement (section 3.6.2)::

    byte    0        1        2        3      4      5      6      7      8
            co2_msb  co2_lsb  co2_crc  t_msb  t_lsb  t_crc  h_msb  h_lsb  h_crc

The chip measures every 5 s by itself, and each measurement can be read once: a poll that comes before the next one
waits for it. So an interval below 5 s gives a reading each 5 s, and a longer one a reading at most 5 s old.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import sensor_gateway.driver as gw

# Commands (section 3.5, table 9), and how much they answer.
START_PERIODIC_MEASUREMENT = gw.Write(b"\x21\xb1")
STOP_PERIODIC_MEASUREMENT = gw.Write(b"\x3f\x86")
GET_DATA_READY_STATUS = gw.Write(b"\xe4\xb8")
READ_MEASUREMENT = gw.Write(b"\xec\x05")
GET_SERIAL_NUMBER = gw.Write(b"\x36\x82")
GET_SENSOR_VARIANT = gw.Write(b"\x20\x2f")
WAKE_UP = gw.Write(b"\x36\xf6")
REINIT = gw.Write(b"\x36\x46")
SET_TEMPERATURE_OFFSET, SET_SENSOR_ALTITUDE, SET_SELF_CALIBRATION = b"\x24\x1d", b"\x24\x27", b"\x24\x16"
ANSWER, WORD = gw.Read(9), gw.Read(3)

COMMAND_TIME = gw.Wait(0.001)
STOP_TIME = gw.Wait(0.5)
WAKE_TIME = REINIT_TIME = gw.Wait(0.03)
NEW_DATA = 0x07FF  # bits of the status, all 0 while there is none (section 3.9.2)
POLL_PAUSE = gw.Wait(0.25)
POLLS = 25  # 6 s: one measurement takes 5

PARTS = {0x0: "SCD40", 0x1: "SCD41", 0x5: "SCD43"}  # bits 15 to 12 of get_sensor_variant (section 3.10.6)

HIGHEST_ALTITUDE, LARGEST_OFFSET = 3000, 20.0  # sections 3.7.3 and 3.7.1

_C = gw.Channel(quantity=gw.QUANTITIES["carbon_dioxide"], low=0, high=40_000, resolution=1, deadband=20)
_T = gw.Channel(quantity=gw.TEMPERATURE, low=-10, high=60, resolution=0.01, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)
CHANNELS = (_C, _T, _H)
NAMES = tuple(channel.name for channel in CHANNELS)


def _variant(part: str) -> gw.Variant:
    bits = gw.wire_bits(GET_DATA_READY_STATUS, WORD, READ_MEASUREMENT, ANSWER)
    return gw.Variant(addresses=(0x62,), channels=CHANNELS, wire_bits=bits, part=part, has_identity=True)


VARIANTS = {"scd4x": _variant("SCD4x"), "scd40": _variant("SCD40"), "scd41": _variant("SCD41")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where and how the chip is built in. They go to its memory, never to its EEPROM; not given, it uses its own."""

    altitude: Annotated[int | None, "metres above the sea, 0 to 3000: CO2 depends on the pressure of the air"] = None
    temperature_offset: Annotated[
        float | None, "°C that the chip itself and its housing add, 0 to 20; the chip's own value is 4"
    ] = None
    self_calibration: Annotated[
        bool | None, "true: the lowest CO2 of a week is taken for fresh air; false: for rooms that never get any"
    ] = None


def check(options: Options) -> tuple[str, ...]:
    """Sentences about numbers that the chip does not take."""
    found = []
    if options.altitude is not None and not 0 <= options.altitude <= HIGHEST_ALTITUDE:
        found.append(f"altitude is 0 to {HIGHEST_ALTITUDE}, got {options.altitude}")
    if options.temperature_offset is not None and not 0 <= options.temperature_offset <= LARGEST_OFFSET:
        found.append(f"temperature_offset is 0 to {LARGEST_OFFSET:g}, got {options.temperature_offset:g}")
    return tuple(found)


def convert(frame: bytes) -> gw.Values:
    """Values of one answer (section 3.6.2). Total: values within limits, or an error."""
    co2, t, h = gw.checked_words(frame, 3)
    if co2 == 0:
        raise gw.NotReady("the chip answers with no CO2 at all: it was not measured")
    values = {"carbon_dioxide": float(co2), "temperature": -45 + 175 * t / 65535, "humidity": 100 * h / 65535}
    return gw.all_within(CHANNELS, values)


class Scd4x:
    """One chip. It measures all the time, once it is set up."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out what to set; nothing is sent yet."""
        self._variant = variant
        self._settings = tuple(_settings(options))

    def identify(self) -> gw.Identifying:
        """Read the serial number: its checksums tell that an SCD4x answers. It is told while nothing is measured."""
        with suppress(gw.Nack):  # an SCD41 may sleep, and even then it acknowledges nothing
            yield WAKE_UP
        yield WAKE_TIME
        with suppress(gw.Nack):  # it may measure from before a restart; if not, it may refuse
            yield STOP_PERIODIC_MEASUREMENT
        yield STOP_TIME
        high, middle, low = gw.checked_words((yield from gw.asked(GET_SERIAL_NUMBER, COMMAND_TIME, ANSWER)), 3)
        part = "SCD4x"
        yield COMMAND_TIME
        with suppress(gw.Nack, gw.BadFrame):  # older ones do not know the command
            (word,) = gw.checked_words((yield from gw.asked(GET_SENSOR_VARIANT, COMMAND_TIME, WORD)), 1)
            part = PARTS.get(word >> 12, part)
        wanted = VARIANTS[self._variant].part
        note = "" if "SCD4x" in (part, wanted) or part == wanted else f"this {wanted} is an {part}"
        return gw.Identity(part=f"{part}, serial number {high:04x}{middle:04x}{low:04x}", channels=NAMES, note=note)

    def setup(self) -> gw.Preparing:
        """Go back to what the EEPROM holds, set what is to be set, and let the chip measure every 5 s."""
        yield COMMAND_TIME
        yield REINIT  # what an earlier configuration set stays in memory as long as there is power
        yield REINIT_TIME
        for setting in self._settings:
            yield setting
            yield COMMAND_TIME
        yield START_PERIODIC_MEASUREMENT
        yield COMMAND_TIME

    def measure(self) -> gw.Measuring:
        """Read the newest measurement; wait for the next one where it was read already."""
        for _ in range(POLLS):
            (status,) = gw.checked_words((yield from gw.asked(GET_DATA_READY_STATUS, COMMAND_TIME, WORD)), 1)
            if status & NEW_DATA:
                return convert((yield from gw.asked(READ_MEASUREMENT, COMMAND_TIME, ANSWER)))
            yield POLL_PAUSE
        raise gw.NotReady("the chip has not measured for 6 s: it has lost power for a moment, or somebody stopped it")


def _settings(options: Options) -> Iterator[gw.Write]:
    if options.temperature_offset is not None:
        yield _setting(SET_TEMPERATURE_OFFSET, round(options.temperature_offset * 65535 / 175))
    if options.altitude is not None:
        yield _setting(SET_SENSOR_ALTITUDE, options.altitude)
    if options.self_calibration is not None:
        yield _setting(SET_SELF_CALIBRATION, int(options.self_calibration))


def _setting(command: bytes, word: int) -> gw.Write:
    pair = word.to_bytes(2, "big")
    return gw.Write(command + pair + bytes((gw.crc8(pair),)))


_PERIPH = "periph/devices scd4x_test.go, recorded from a real chip; values worked out by hand from section 3.6.2"

VECTORS = tuple(
    gw.vector("scd4x", frame, carbon_dioxide=co2, temperature=t, humidity=h, tolerance=by, source=source)
    for frame, co2, t, h, by, source in (
        ("01 f4 33 66 67 a2 5e b9 3c", 500, 25, 37, 0.003, "SCD4x section 3.6.2, worked example"),
        ("03 e8 d4 62 03 5e 80 00 a2", 1000, 22.00122, 50.000763, 1e-5, "hauju/scd4x-rs src/scd4x.rs"),
        ("02 2c a3 67 0d 36 4d 08 f1", 556, 25.4459, 30.0908, 1e-4, _PERIPH + ", sensePlayback"),
        ("02 1f 35 64 46 cc 5a 8d be", 543, 23.5473, 35.3719, 1e-4, _PERIPH + ", senseContinuousPlayback"),
    )
)

SPEC = gw.DriverSpec(
    name="scd4x",
    summary="Sensirion SCD40, SCD41: carbon dioxide, temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Scd4x(variant, options),
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    check=check,
    # Noise moves the last bits of a temperature all the time.
    frozen_after={"temperature": 300},
    # All commands act or answer, by their first byte (table 9).
    heeds=gw.Heeds(with_data=b"\x20\x21\x23\x24\x36\x3f\xe0\xe4\xec"),
)
