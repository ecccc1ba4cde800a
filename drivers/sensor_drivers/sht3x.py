"""Sensirion SHT30, SHT31, SHT35 on I2C: temperature and relative humidity, each word with a checksum.

Datasheet: Sensirion SHT3x-DIS, version 6 (sections cited below). Address 44 (ADDR low) or 45 (ADDR high).

The answer to a measurement; a serial number looks the same (section 4.3)::

    byte    0      1      2      3      4      5
            t_msb  t_lsb  t_crc  h_msb  h_lsb  h_crc

The commands without clock stretching are used: while the chip is busy it refuses its address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Commands (sections 4.7 to 4.11; the serial number: "Electronic identification code SHT3x", version 3).
READ_SERIAL_NUMBER = gw.Write(b"\x36\x82")
READ_STATUS = gw.Write(b"\xf3\x2d")
BREAK = gw.Write(b"\x30\x93")
SOFT_RESET = gw.Write(b"\x30\xa2")
ANSWER, WORD = gw.Read(6), gw.Read(3)

# TI's HDC302x takes the same addresses and commands. This one is its own (SNAS778, "manufacturer ID").
READ_MANUFACTURER_ID = gw.Write(b"\x37\x81")
TEXAS_INSTRUMENTS = 0x3000

COMMAND_TIME = gw.Wait(0.001)  # between two commands (section 4.1), and for a break (section 4.8)
RESET_TIME = gw.Wait(0.0015)  # "soft reset time" (section 2.2, table 4)

Repeatability: TypeAlias = Literal["high", "medium", "low"]
MEASURE = {  # command (section 4.3) and longest measurement duration (section 2.2, table 5: the lowest supply)
    "high": (gw.Write(b"\x24\x00"), gw.Wait(0.0155)),
    "medium": (gw.Write(b"\x24\x0b"), gw.Wait(0.0065)),
    "low": (gw.Write(b"\x24\x16"), gw.Wait(0.0045)),
}

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)

WIRE_BITS = gw.wire_bits(MEASURE["high"][0], ANSWER)
_VARIANT = gw.Variant(addresses=(0x44, 0x45), channels=(_T, _H), wire_bits=WIRE_BITS, part="SHT3x", has_identity=True)
VARIANTS = dict.fromkeys(("sht3x", "sht30", "sht31", "sht35"), _VARIANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    repeatability: Annotated[Repeatability, "less noise takes longer: high 15.5 ms, medium 6.5 ms, low 4.5 ms"] = "high"


def convert(frame: bytes) -> gw.Values:
    """Values of one answer (section 4.13). Total: values within limits, BadFrame or OverRange."""
    t, h = gw.checked_words(frame, 2)
    return {"temperature": gw.within(_T, -45 + 175 * t / 65535), "humidity": 100 * h / 65535}


class Sht3x:
    """One chip. It is idle between measurements."""

    def __init__(self, options: Options) -> None:
        """Choose the command; nothing is sent yet."""
        self._command, self._duration = MEASURE[options.repeatability]

    def identify(self) -> gw.Identifying:
        """Read the serial number: its checksums tell that an SHT3x answers. The members of the family look alike."""
        part, note = "SHT3x", ""
        try:
            high, low = gw.checked_words((yield from gw.asked(READ_SERIAL_NUMBER, COMMAND_TIME, ANSWER)), 2)
            part += f", serial number {high << 16 | low:08x}"
        except gw.Nack:
            # Copies have none (esphome/esphome pull request 14224), nor is it told in periodic mode.
            yield from _look_for_status()
            note = "it tells no serial number, as copies of Sensirion's part do"
        return gw.Identity(part=part, channels=("temperature", "humidity"), note=note)

    def setup(self) -> gw.Preparing:
        """End what another program started: periodic measurement, which refuses all else, and the heater."""
        yield BREAK
        yield COMMAND_TIME
        yield SOFT_RESET
        yield RESET_TIME

    def measure(self) -> gw.Measuring:
        """Measure once."""
        return convert((yield from gw.asked(self._command, self._duration, ANSWER)))


def _look_for_status() -> gw.Preparing:
    """See that the chip has an SHT3x's status register, and is no HDC302x, which has one too."""
    yield COMMAND_TIME
    gw.checked_words((yield from gw.asked(READ_STATUS, COMMAND_TIME, WORD)), 1)
    try:
        (maker,) = gw.checked_words((yield from gw.asked(READ_MANUFACTURER_ID, COMMAND_TIME, WORD)), 1)
    except (gw.Nack, gw.BadFrame):
        yield COMMAND_TIME  # a refused command counts too
        return
    if maker == TEXAS_INSTRUMENTS:
        raise gw.WrongChip("manufacturer id, command 3781", expected="none", got="3000, an HDC302x")


_DENIS = "denis-koshenkov/sensirion-sht3x src/test/sht3x.cpp, read from a real chip"
_JAN = "janhavelka/SHT3x-main test/test_basic.cpp, test_milli_conversions; its checksum is the datasheet's"

# Where a source leaves a checksum out, it is worked out; section 4.12 has BE EF: 92.
VECTORS = tuple(
    gw.vector("sht3x", frame, temperature=t, humidity=h, tolerance=by, source=source)
    for frame, t, h, by, source in (
        ("62 60 b6 72 b3 8f", 22.25, 44.80, 0.01, _DENIS),
        ("62 76 53 73 d3 c0", 22.31, 45.24, 0.01, _DENIS),
        ("64 b3 bb 3e e3 cc", 23.8, 24.5, 0.07, "cnblogs.com/wenkon/p/16648813, read from a real chip, digits cut"),
        ("41 d4 3c 41 d4 3c", 0.0, 25.715, 0.001, _JAN),
        ("80 00 a2 80 00 a2", 42.501, 50.001, 0.001, _JAN),
    )
)

SPEC = gw.DriverSpec(
    name="sht3x",
    summary="Sensirion SHT30, SHT31, SHT35: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Sht3x(options),
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    # Noise moves the last bits of a temperature all the time. Humidity may stand still: at 0 and 100 %.
    frozen_after={"temperature": 300},
    # Sections 4.3 to 4.11: measurements, break, reset, heater, alert limits, and a fetch, which empties the buffer.
    heeds=gw.Heeds(with_data=b"\x20\x21\x22\x23\x24\x27\x2b\x2c\x30\x61\xe0"),
)
