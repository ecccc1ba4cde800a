"""Silicon Labs Si7021, TE HTU21D, Sensirion SHT20, SHT21, SHT25 on I2C: temperature, relative humidity, with checksums.

Datasheets: Si7021-A20, revision 1.2; HTU21D(F), revision 6; SHT21, version 5 (sections cited below). Address 40.

The answer, one for each of the two measurements; the last two bits of a word are status (SHT21, section 5.4)::

    byte    0     1     2
            msb   lsb   crc

The commands without clock stretching ("no hold") are used: while the chip is busy it refuses its address.
"""

from __future__ import annotations

from dataclasses import dataclass

import sensor_gateway.driver as gw

# Commands (SHT21, section 5.3; Si7021, section 5, table 11).
MEASURE_TEMPERATURE = gw.Write(b"\xf3")
MEASURE_HUMIDITY = gw.Write(b"\xf5")
SOFT_RESET = gw.Write(b"\xfe")
READ_USER_REGISTER = gw.WriteRead(b"\xe7", 1)
WRITE_USER_REGISTER = 0xE6
READ_ELECTRONIC_ID = gw.WriteRead(b"\xfc\xc9", 6)  # the second half of the serial number (Si7021, section 5.5)
ANSWER = gw.Read(3)

RESOLUTION, HEATER = 0x81, 0x04  # bits of the user register (SHT21, section 5.6)
STATUS_BITS = 0x0003
RESET_TIME = gw.Wait(0.015)  # all three; so Linux (iio/humidity/si7020.c, htu21.c), and RIOT for an SHT2x (sht2x.c)
SI7021_ID = 0x15
ID = "electronic id, command fcc9"

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.011, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.04, deadband=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One make: the longest measurements at full resolution, 14 bits of temperature and 12 of humidity."""

    part: str
    temperature: gw.Wait
    humidity: gw.Wait
    electronic_id: int | None = None


# SHT21, section 5.4, table 7. The typical times there, 66 and 22 ms, are what RIOT's sht2x.c waits before it polls.
_SHT2X_T, _SHT2X_H = gw.Wait(0.085), gw.Wait(0.029)
ROWS = {
    # Table 2: a measurement of humidity includes one of temperature, so both times count.
    "si7021": Row(part="Si7021", temperature=gw.Wait(0.0108), humidity=gw.Wait(0.0228), electronic_id=SI7021_ID),
    "htu21d": Row(
        part="HTU21D", temperature=gw.Wait(0.050), humidity=gw.Wait(0.016)
    ),  # "measuring time"; Linux, ms_sensors_i2c.c
    "sht20": Row(part="SHT20", temperature=_SHT2X_T, humidity=_SHT2X_H),
    "sht21": Row(part="SHT21", temperature=_SHT2X_T, humidity=_SHT2X_H),
    "sht25": Row(part="SHT25", temperature=_SHT2X_T, humidity=_SHT2X_H),
}


def _variant(row: Row) -> gw.Variant:
    return gw.Variant(
        addresses=(0x40,),
        channels=(_T, _H),
        wire_bits=gw.wire_bits(MEASURE_TEMPERATURE, ANSWER, MEASURE_HUMIDITY, ANSWER),
        part=row.part,
        has_identity=row.electronic_id is not None,
    )


VARIANTS = {name: _variant(row) for name, row in ROWS.items()}


def convert(temperature_frame: bytes, humidity_frame: bytes) -> gw.Values:
    """Values of the two answers (SHT21, section 6). Total: values within limits, BadFrame or OverRange."""
    (t,) = gw.checked_words(temperature_frame, 1, initial=0)
    (h,) = gw.checked_words(humidity_frame, 1, initial=0)
    t, h = t & ~STATUS_BITS, h & ~STATUS_BITS
    temperature = gw.within(_T, -46.85 + 175.72 * t / 65536)
    if h in (0, 0xFFFF & ~STATUS_BITS):
        # "Diagnosis: 0 is an open circuit, all ones are a short circuit" (HTU21D, "user register").
        raise gw.OverRange(f"humidity at the end of the scale ({h:04x}): the sensing element is broken")
    # Near both ends the straight line leaves the physical range: it is cropped.
    humidity = min(max(-6 + 125 * h / 65536, 0.0), 100.0)
    return {"temperature": temperature, "humidity": humidity}


class Si7021:
    """One chip. It is idle between measurements."""

    def __init__(self, variant: str) -> None:
        """Choose the row of the table; nothing is sent yet."""
        self._row = ROWS[variant]

    def identify(self) -> gw.Identifying:
        """Check the electronic id of an Si7021. Of the others, only see that somebody answers."""
        row = self._row
        if row.electronic_id is None:
            yield READ_USER_REGISTER
            return gw.Identity(part=f"{row.part} (it has no identity)", channels=("temperature", "humidity"))
        expected_id = f"{row.electronic_id:02x} ({row.part})"
        try:
            answer = yield READ_ELECTRONIC_ID
        except gw.Nack:
            yield READ_USER_REGISTER  # nobody at all acknowledges this either
            raise gw.WrongChip(ID, expected=expected_id, got="none: try `driver: htu21d`") from None
        # The second checksum covers the bytes before the first one too (Si7021, section 5.5).
        for data, check in ((answer[:2], answer[2]), (answer[:2] + answer[3:5], answer[5])):
            expected = gw.crc8(data, initial=0)
            if expected != check:
                raise gw.BadFrame("checksum of the electronic id", expected=f"{expected:02x}", got=f"{check:02x}")
        if answer[0] != row.electronic_id:
            raise gw.WrongChip(ID, expected=expected_id, got=f"{answer[0]:02x}")
        return gw.Identity(part=row.part, channels=("temperature", "humidity"))

    def setup(self) -> gw.Preparing:
        """Reset the chip, and switch off the heater, which outlasts the reset of some (SHT21, section 5.5)."""
        yield SOFT_RESET
        yield RESET_TIME
        register = yield READ_USER_REGISTER
        if register[0] & (HEATER | RESOLUTION):
            # The reserved bits are written as they were read (SHT21, section 5.6).
            yield gw.Write(bytes((WRITE_USER_REGISTER, register[0] & ~(HEATER | RESOLUTION))))

    def measure(self) -> gw.Measuring:
        """Measure temperature and humidity, one after the other."""
        temperature_frame = yield from gw.asked(MEASURE_TEMPERATURE, self._row.temperature, ANSWER)
        return convert(temperature_frame, (yield from gw.asked(MEASURE_HUMIDITY, self._row.humidity, ANSWER)))


_SWIFT = "madmachineio/MadDrivers Tests/HTU21DTests/HTU21DTests.swift"

# The HTU21D's datasheet gives 683A (7C) as 24.7 °C and 4E85 (6B) as 32.3 %; some tests have them the other way round.
VECTORS = tuple(
    gw.vector(variant, *frames, temperature=t, humidity=h, tolerance=by, source=source)
    for variant, frames, t, h, by, source in (
        ("htu21d", ("68 3a 7c", "4e 85 6b"), 24.7, 32.3, 0.05, "HTU21D, examples of the checksum; " + _SWIFT),
        ("htu21d", ("4e 85 6b", "68 3a 7c"), 7.045, 44.85, 0.05, "samcrow/HTU2XD tests, temperature_humidity_nak"),
        ("htu21d", ("6f f5 bb", "7c 80 f5"), 30.0, 54.8, 0.05, _SWIFT),
        # Whole hundredths there, cut off.
        ("si7021", ("66 4c 4f", "a1 a6 51"), 23.36, 72.92, 0.0099, "johkra/si7021_hal tests/lib.rs"),
    )
)

SPEC = gw.DriverSpec(
    name="si7021",
    summary="Si7021, HTU21D, SHT20, SHT21, SHT25: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, _options, _address: Si7021(variant),
    # Frames: the answers, temperature first.
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    # Noise moves the last bits of a temperature all the time. Humidity may stand still: it is cropped.
    frozen_after={"temperature": 300},
    # Measurements with and without hold, reset; user register and heater.
    heeds=gw.Heeds(alone=b"\xe3\xe5\xf3\xf5\xfe", with_data=b"\xe6\x51"),
)
