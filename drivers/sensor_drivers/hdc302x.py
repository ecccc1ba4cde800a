"""TI HDC3020, HDC3021, HDC3022 on I2C: temperature and relative humidity, each word with a checksum.

Datasheet: TI SNAS778D (sections cited below). Address 44 to 47 (pins ADDR1, ADDR).

The answer to a measurement (section 7.5.7.2)::

    byte    0      1      2      3      4      5
            t_msb  t_lsb  t_crc  h_msb  h_lsb  h_crc

The chip does not stretch the clock: while it measures it refuses to be read. It speaks much like Sensirion's SHT3x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Commands (section 7.5.7, table 7-4).
READ_MANUFACTURER_ID = gw.WriteRead(b"\x37\x81", 3)
READ_NIST_ID = (gw.WriteRead(b"\x36\x83", 3), gw.WriteRead(b"\x36\x84", 3), gw.WriteRead(b"\x36\x85", 3))
EXIT_AUTO_MEASUREMENT = gw.Write(b"\x30\x93")
SOFT_RESET = gw.Write(b"\x30\xa2")
ANSWER = gw.Read(6)

TEXAS_INSTRUMENTS = 0x3000  # table 7-4
COMMAND_TIME = gw.Wait(0.001)  # to leave auto measurement: what the SHT3x takes for the same command, TI gives no time
RESET_TIME = gw.Wait(0.005)  # Linux (iio/humidity/hdc3020.c) gives it 3 ms, and 5 ms after power-on

LowPowerMode: TypeAlias = Literal[0, 1, 2, 3]
MEASURE = {  # trigger-on demand (section 7.5.7.2) and longest measurement duration (section 6.5)
    0: (gw.Write(b"\x24\x00"), gw.Wait(0.0141)),
    1: (gw.Write(b"\x24\x0b"), gw.Wait(0.0084)),
    2: (gw.Write(b"\x24\x16"), gw.Wait(0.0057)),
    3: (gw.Write(b"\x24\xff"), gw.Wait(0.0042)),
}

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)

_VARIANT = gw.Variant(
    addresses=(0x44, 0x45, 0x46, 0x47),
    channels=(_T, _H),
    wire_bits=gw.wire_bits(MEASURE[0][0], ANSWER),
    part="HDC302x",
    has_identity=True,
)
VARIANTS = dict.fromkeys(("hdc302x", "hdc3020", "hdc3021", "hdc3022"), _VARIANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    low_power_mode: Annotated[LowPowerMode, "0: least noise, in 14.1 ms; 1: 8.4 ms; 2: 5.7 ms; 3: most, in 4.2 ms"] = 0


def convert(frame: bytes) -> gw.Values:
    """Values of one answer (section 7.3.4). Total: values within limits, BadFrame or OverRange."""
    t, h = gw.checked_words(frame, 2)
    return {"temperature": gw.within(_T, -45 + 175 * t / 65535), "humidity": 100 * h / 65535}


class Hdc302x:
    """One chip. It sleeps between measurements."""

    def __init__(self, options: Options) -> None:
        """Choose the command; nothing is sent yet."""
        self._command, self._duration = MEASURE[options.low_power_mode]

    def identify(self) -> gw.Identifying:
        """Check the manufacturer, and read the serial number (NIST id). The members of the family look alike."""
        (maker,) = gw.checked_words((yield READ_MANUFACTURER_ID), 1)
        if maker != TEXAS_INSTRUMENTS:
            raise gw.WrongChip("manufacturer id, command 3781", expected="3000", got=f"{maker:04x}")
        serial = ""
        for read in READ_NIST_ID:
            (word,) = gw.checked_words((yield read), 1)
            serial += f"{word:04x}"
        return gw.Identity(part=f"HDC302x, serial number {serial}", channels=("temperature", "humidity"))

    def setup(self) -> gw.Preparing:
        """Reset the chip, which ends the heater, and leave auto measurement, to which a reset may be made to lead."""
        yield EXIT_AUTO_MEASUREMENT
        yield COMMAND_TIME
        yield SOFT_RESET
        yield RESET_TIME
        yield EXIT_AUTO_MEASUREMENT
        yield COMMAND_TIME

    def measure(self) -> gw.Measuring:
        """Measure once."""
        return convert((yield from gw.asked(self._command, self._duration, ANSWER)))


_PERIPH = "periph/devices hdc302x_test.go, "
VECTORS = tuple(
    gw.vector("hdc302x", frame, temperature=t, humidity=h, tolerance=by, source=_PERIPH + source)
    for frame, t, h, by, source in (
        ("68 c5 51 3b 82 31", 26.6208896, 23.24559, 1e-5, "TestSense, recorded from a real chip"),
        ("d4 1c f8 80 00 a2", 100.0, 50.0, 0.003, "TestConversions; checksums worked out"),
        ("64 93 3d 45 3a 61", 23.7530, 27.0420, 1e-4, "heater, recorded from a real chip; values worked out by hand"),
        ("9d b1 02 09 c6 a3", 62.7985, 3.8178, 1e-4, "heater at work, recorded; values worked out by hand"),
    )
)

SPEC = gw.DriverSpec(
    name="hdc302x",
    summary="TI HDC3020, HDC3021, HDC3022: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Hdc302x(options),
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    # Noise moves the last bits of a temperature all the time. Humidity may stand still: at 0 and 100 %.
    frozen_after={"temperature": 300},
    # Table 7-4: measurements, reset, heater and auto mode, alert limits, EEPROM; a readout empties the buffer.
    heeds=gw.Heeds(with_data=b"\x20\x21\x22\x23\x24\x27\x2c\x30\x61\xa0\xe0"),
)
