"""Sensirion SHT40, SHT41, SHT43, SHT45 on I2C: temperature and relative humidity, each word with a checksum.

Datasheet: Sensirion SHT4x, version 6.5 (sections cited below). Address 44, 45 or 46, fixed by the part number.

The answer to a measurement; a serial number looks the same (section 4.4)::

    byte    0      1      2      3      4      5
            t_msb  t_lsb  t_crc  h_msb  h_lsb  h_crc

The chip does not stretch the clock: while it is busy it refuses its address, so a read that comes early fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Commands (section 4.5).
READ_SERIAL_NUMBER = gw.Write(b"\x89")
SOFT_RESET = gw.Write(b"\x94")
ANSWER = gw.Read(6)

# "Time between commands" and "soft reset time" are 1 ms at most (section 3.2, table 5).
COMMAND_TIME = gw.Wait(0.001)

Repeatability: TypeAlias = Literal["high", "medium", "low"]
MEASURE = {  # command (section 4.5) and longest measurement duration (section 3.2, table 5)
    "high": (gw.Write(b"\xfd"), gw.Wait(0.0083)),
    "medium": (gw.Write(b"\xf6"), gw.Wait(0.0045)),
    "low": (gw.Write(b"\xe0"), gw.Wait(0.0016)),
}

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.01, deadband=0.1)
_H = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.01, deadband=0.5)

_VARIANT = gw.Variant(
    addresses=(0x44, 0x45, 0x46),
    channels=(_T, _H),
    wire_bits=gw.wire_bits(MEASURE["high"][0], ANSWER),
    part="SHT4x",
    has_identity=True,
)
VARIANTS = dict.fromkeys(("sht4x", "sht40", "sht41", "sht43", "sht45"), _VARIANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    repeatability: Annotated[Repeatability, "less noise takes longer: high 8.3 ms, medium 4.5 ms, low 1.6 ms"] = "high"


def convert(frame: bytes) -> gw.Values:
    """Values of one answer (section 4.6). Total: values within limits, BadFrame or OverRange."""
    t, h = gw.checked_words(frame, 2)
    # Near both ends the straight line leaves the physical range: the datasheet says to crop.
    humidity = min(max(-6 + 125 * h / 65535, 0.0), 100.0)
    return {"temperature": gw.within(_T, -45 + 175 * t / 65535), "humidity": humidity}


class Sht4x:
    """One chip. It is idle between measurements."""

    def __init__(self, options: Options) -> None:
        """Choose the command; nothing is sent yet."""
        self._command, self._duration = MEASURE[options.repeatability]

    def identify(self) -> gw.Identifying:
        """Read the serial number: its checksums tell that an SHT4x answers. The members of the family look alike."""
        high, low = gw.checked_words((yield from gw.asked(READ_SERIAL_NUMBER, COMMAND_TIME, ANSWER)), 2)
        return gw.Identity(part=f"SHT4x, serial number {high << 16 | low:08x}", channels=("temperature", "humidity"))

    def setup(self) -> gw.Preparing:
        """Reset the chip: this also ends a heater pulse that another program started."""
        yield SOFT_RESET
        yield COMMAND_TIME

    def measure(self) -> gw.Measuring:
        """Measure once."""
        return convert((yield from gw.asked(self._command, self._duration, ANSWER)))


# The recordings of periph come from a real chip, without values: these follow from section 4.6, worked out by hand.
VECTORS = tuple(
    gw.vector("sht4x", frame, temperature=t, humidity=h, tolerance=by, source=source)
    for frame, t, h, by, source in (
        ("65 e9 ea 6d e5 a0", 24.67, 47.66, 0.01, "elixir-sensors/sht4x test/sht4x/measurement_test.exs"),
        ("be ef 92 80 00 a2", 85.523, 56.501, 0.001, "SHT4x section 4.4 (BE EF: 92) and elixir-sensors/sht4x"),
        ("63 36 9a 5a 7c 0d", 22.8210, 38.1825, 1e-4, "periph/devices sht4x recording, TestHeater"),
        ("66 f4 c8 4c 9b 6f", 25.3792, 31.4056, 1e-4, "periph/devices sht4x recording, TestSense"),
        ("b9 d0 d7 15 79 e8", 82.0222, 4.4849, 1e-4, "periph/devices sht4x recording, heater at 200 mW"),
        ("80 00 a2 ff ff ac", 42.5, 100.0, 0.002, "periph/devices sht4x_test.go: 8000 is 42.5 °C, FFFF is cropped"),
        ("80 00 a2 00 00 81", 42.5, 0.0, 0.002, "periph/devices sht4x_test.go: 8000 is 42.5 °C, 0 is cropped"),
    )
)

SPEC = gw.DriverSpec(
    name="sht4x",
    summary="Sensirion SHT40, SHT41, SHT43, SHT45: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Sht4x(options),
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    # Noise moves the last bits of a temperature all the time. Humidity may stand still: it is cropped.
    frozen_after={"temperature": 300},
    heeds=gw.Heeds(alone=b"\xfd\xf6\xe0\x89\x94\x39\x32\x2f\x24\x1e\x15"),  # section 4.5, table 8
)
