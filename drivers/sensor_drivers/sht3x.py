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

from sensor_gateway.driver import (
    HUMIDITY,
    TEMPERATURE,
    BadFrame,
    BusKind,
    Channel,
    DriverSpec,
    Heeds,
    Identifying,
    Identity,
    Measuring,
    Nack,
    OverRange,
    Preparing,
    Read,
    Values,
    Variant,
    Vector,
    Wait,
    Write,
    WrongChip,
    checked_words,
)

# Commands (sections 4.7 to 4.11; the serial number: "Electronic identification code SHT3x", version 3).
READ_SERIAL_NUMBER = Write(b"\x36\x82")
READ_STATUS = Write(b"\xf3\x2d")
BREAK = Write(b"\x30\x93")
SOFT_RESET = Write(b"\x30\xa2")
ANSWER, WORD = Read(6), Read(3)

# TI's HDC302x takes the same addresses and commands. This one is its own (SNAS778, "manufacturer ID").
READ_MANUFACTURER_ID = Write(b"\x37\x81")
TEXAS_INSTRUMENTS = 0x3000

COMMAND_TIME = Wait(0.001)  # between two commands (section 4.1), and for a break (section 4.8)
RESET_TIME = Wait(0.0015)  # "soft reset time" (section 2.2, table 4)

Repeatability: TypeAlias = Literal["high", "medium", "low"]
MEASURE = {  # command (section 4.3) and longest measurement duration (section 2.2, table 5: the lowest supply)
    "high": (Write(b"\x24\x00"), Wait(0.0155)),
    "medium": (Write(b"\x24\x0b"), Wait(0.0065)),
    "low": (Write(b"\x24\x16"), Wait(0.0045)),
}

_T = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
_H = Channel(name="humidity", quantity=HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)

# wire_bits: command (3 bytes) and answer (7 bytes), 9 bits each, with start and stop.
_VARIANT = Variant(addresses=(0x44, 0x45), channels=(_T, _H), wire_bits=94, part="SHT3x", has_identity=True)
VARIANTS = dict.fromkeys(("sht3x", "sht30", "sht31", "sht35"), _VARIANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    repeatability: Annotated[Repeatability, "less noise takes longer: high 15.5 ms, medium 6.5 ms, low 4.5 ms"] = "high"


def convert(frame: bytes) -> Values:
    """Values of one answer (section 4.13). Total: values within limits, BadFrame or OverRange."""
    t, h = checked_words(frame, 2)
    temperature = -45 + 175 * t / 65535
    if not _T.low <= temperature <= _T.high:
        raise OverRange(f"temperature of {temperature:.2f} °C is beyond what the chip can measure")
    return {"temperature": temperature, "humidity": 100 * h / 65535}


class Sht3x:
    """One chip. It is idle between measurements."""

    def __init__(self, options: Options) -> None:
        """Choose the command; nothing is sent yet."""
        self._command, self._duration = MEASURE[options.repeatability]

    def identify(self) -> Identifying:
        """Read the serial number: its checksums tell that an SHT3x answers. The members of the family look alike."""
        part, note = "SHT3x", ""
        try:
            yield READ_SERIAL_NUMBER
            yield COMMAND_TIME
            high, low = checked_words((yield ANSWER), 2)
            part += f", serial number {high << 16 | low:08x}"
        except Nack:
            # Copies have none (esphome/esphome pull request 14224), nor is it told in periodic mode.
            yield from _look_for_status()
            note = "it tells no serial number, as copies of Sensirion's part do"
        return Identity(part=part, channels=("temperature", "humidity"), note=note)

    def setup(self) -> Preparing:
        """End what another program started: periodic measurement, which refuses all else, and the heater."""
        yield BREAK
        yield COMMAND_TIME
        yield SOFT_RESET
        yield RESET_TIME

    def measure(self) -> Measuring:
        """Measure once."""
        yield self._command
        yield self._duration
        return convert((yield ANSWER))


def _look_for_status() -> Preparing:
    """See that the chip has an SHT3x's status register, and is no HDC302x, which has one too."""
    yield COMMAND_TIME
    yield READ_STATUS
    yield COMMAND_TIME
    checked_words((yield WORD), 1)
    try:
        yield READ_MANUFACTURER_ID
        yield COMMAND_TIME
        (maker,) = checked_words((yield WORD), 1)
    except (Nack, BadFrame):
        yield COMMAND_TIME  # a refused command counts too
        return
    if maker == TEXAS_INSTRUMENTS:
        raise WrongChip("manufacturer id, command 3781", expected="none", got="3000, an HDC302x")


def create(_variant: str, options: Options, _address: int) -> Sht3x:
    """Make the driver of one chip."""
    return Sht3x(options)


def replay(vector: Vector) -> Values:
    """Frame: the answer."""
    return convert(*vector.frames)


def _vector(frame: str, temperature: float, humidity: float, tolerance: float, source: str) -> Vector:
    return Vector(
        variant="sht3x",
        frames=(bytes.fromhex(frame),),
        values={"temperature": temperature, "humidity": humidity},
        tolerance=tolerance,
        source=source,
    )


_DENIS = "denis-koshenkov/sensirion-sht3x src/test/sht3x.cpp, read from a real chip"
_JAN = "janhavelka/SHT3x-main test/test_basic.cpp, test_milli_conversions; its checksum is the datasheet's"

# Where a source leaves a checksum out, it is worked out; section 4.12 has BE EF: 92.
VECTORS = (
    _vector("62 60 b6 72 b3 8f", 22.25, 44.80, 0.01, _DENIS),
    _vector("62 76 53 73 d3 c0", 22.31, 45.24, 0.01, _DENIS),
    _vector("64 b3 bb 3e e3 cc", 23.8, 24.5, 0.07, "cnblogs.com/wenkon/p/16648813, read from a real chip, digits cut"),
    _vector("41 d4 3c 41 d4 3c", 0.0, 25.715, 0.001, _JAN),
    _vector("80 00 a2 80 00 a2", 42.501, 50.001, 0.001, _JAN),
)

SPEC = DriverSpec(
    name="sht3x",
    summary="Sensirion SHT30, SHT31, SHT35: temperature, humidity",
    bus=BusKind.I2C,
    variants=VARIANTS,
    create=create,
    replay=replay,
    vectors=VECTORS,
    options=Options,
    # Noise moves the last bits of a temperature all the time. Humidity may stand still: at 0 and 100 %.
    frozen_after={"temperature": 300},
    # Sections 4.3 to 4.11: measurements, break, reset, heater, alert limits, and a fetch, which empties the buffer.
    heeds=Heeds(with_data=b"\x20\x21\x22\x23\x24\x27\x2b\x2c\x30\x61\xe0"),
)
