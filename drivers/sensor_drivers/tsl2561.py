"""ams (TAOS) TSL2561 on I2C: illuminance, by a broadband and an infrared photodiode.

Datasheet: TAOS059N, March 2009 (cited below by its headings). Address 29, 39 or 49 (ADDR SEL to ground, open, to
supply). No checksum.

The answers, word registers 0C (channel 0: visible and infrared) and 0E (channel 1: infrared)::

    byte    0      1
            7..0   15..8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.tsl2561_ranges as ranges
import sensor_gateway.driver as gw

# The command register: CMD 80, CLEAR 40, WORD 20, address 3..0.
CONTROL, TIMING = 0x80, 0x81
READ_CONTROL = gw.WriteRead(b"\x80", 1)
READ_TIMING = gw.WriteRead(b"\x81", 1)
READ_ID = gw.WriteRead(b"\x8a", 1)
READ_CHANNEL_0, READ_CHANNEL_1 = gw.WriteRead(b"\xac", 2), gw.WriteRead(b"\xae", 2)
POWER_DOWN, POWER_UP, POWERED = gw.Write(b"\x80\x00"), gw.Write(b"\x80\x03"), 0x03
CLEAR_INTERRUPT = b"\xc0"
WRITABLE = bytes((*range(0x80, 0x87), *range(0xA0, 0xA7)))
READS = 4

SLOWEST_S = 918 / 690_000  # of one such length, at the lowest oscillator frequency

Package: TypeAlias = Literal["auto", "t_fn_cl", "cs"]
PARTS = {0b0101: "t_fn_cl", 0b0001: "cs"}  # ID register, PARTNO (in revision N; older ones know only 0001)

Range: TypeAlias = Literal["auto", "room", "daylight", "sun"]

_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=ranges.BRIGHTEST, resolution=0.03, deadband=1.0)

WIRE_BITS = gw.wire_bits(READ_CHANNEL_0, READ_CHANNEL_1, READ_CHANNEL_0)
VARIANTS = {"tsl2561": gw.Variant(addresses=(0x39, 0x29, 0x49), channels=(_LUX,), wire_bits=WIRE_BITS, part="TSL2561")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By itself it finds the range, and keeps it while it suits."""

    range: Annotated[Range, "auto, or one for ever: room to about 1500 lx, daylight to 4000, sun to 40 000"] = "auto"
    package: Annotated[Package, "auto: as the chip's id says; packages T, FN and CL, or CS, count differently"] = "auto"


def convert(channel_0: bytes, channel_1: bytes, *, setting: ranges.Setting, package: str = "t_fn_cl") -> gw.Values:
    """Illuminance of both channels. Total: a value within limits, BadFrame or OverRange."""
    both, infrared = (gw.number(channel, 2, byteorder="little", what="channel") for channel in (channel_0, channel_1))
    if max(both, infrared) > ranges.INTEGRATION[setting.time][2]:
        raise gw.OverRange("the light is brighter than this range of the chip can measure")
    if both == 0:
        return {"illuminance": 0.0}
    return {"illuminance": ranges.lux_per_count(infrared / both, package) * both * setting.scale}


class Tsl2561:
    """One chip. It integrates all the time."""

    def __init__(self, options: Options) -> None:
        """Begin in the middle; nothing is sent yet."""
        self._is_fixed = options.range != "auto"
        self._at = ranges.NAMES.index(options.range) if self._is_fixed else ranges.MIDDLE
        self._is_package_told = options.package != "auto"
        self._package: str = options.package if self._is_package_told else "t_fn_cl"

    def identify(self) -> gw.Identifying:
        """Check the part number, which tells the package too."""
        answer = yield from gw.read_twice(READ_ID)
        package = PARTS.get(answer[0] >> 4)
        if package is None:
            raise gw.WrongChip("id register 0A", expected="5x (packages T, FN, CL) or 1x (CS)", got=answer)
        if not self._is_package_told:
            self._package = package
        return gw.Identity(part=f"TSL2561 revision {answer[0] & 0x0F}", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Set the range and wait for its first value."""
        yield from self._enter(self._at)

    def measure(self) -> gw.Measuring:
        """Read the newest value; in another range where it does not suit this one."""
        channels = yield from gw.suited(ranges.SPANS, self._at, self._measured, is_fixed=self._is_fixed)
        return convert(*channels, setting=ranges.SETTINGS[self._at], package=self._package)

    def _measured(self, place: int) -> gw.Ranged[tuple[bytes, bytes]]:
        if place != self._at:
            yield from self._enter(place)
        channels = yield from gw.read_together(READ_CHANNEL_0, READ_CHANNEL_1, tries=READS)
        if not any(channels[0]) and (yield READ_CONTROL)[0] & POWERED != POWERED:
            raise gw.NotReady("the chip is powered down: it lost power, and would report darkness")
        return channels, ranges.SETTINGS[place].level(*channels)

    def _enter(self, place: int) -> gw.Preparing:
        """Set the range. The integration begins with the power: what was under way is lost."""
        setting = ranges.SETTINGS[place]
        yield POWER_DOWN
        timing = ranges.GAIN[setting.gain] | ranges.INTEGRATION[setting.time][0]
        yield gw.Write(bytes((TIMING, timing)))
        yield POWER_UP
        self._at = place
        yield gw.Wait(SLOWEST_S * ranges.INTEGRATION[setting.time][1])
        # Power that is lost later leaves the chip powered down, but not what is lost between the two writes.
        if (yield READ_TIMING)[0] != timing:
            raise gw.NotReady("the chip has lost its range: it lost power")


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: both channels of a package T. Options: gain, integration time."""
    return convert(*vector.frames, setting=ranges.Setting(**vector.options, span=ranges.SPANS[ranges.MIDDLE]))


def _vector(counts: tuple[int, int], gain: int, time: int, lux: float, by: float, source: str) -> gw.Vector:
    frames, options = (count.to_bytes(2, "little") for count in counts), {"gain": gain, "time": time}
    return gw.vector("tsl2561", *frames, illuminance=lux, tolerance=by, source=source, options=options)


# Readings of real chips, with what another program made of them.
VECTORS = (
    _vector((33_701, 11_348), 16, 402, 569.29, 0.01, "letscontrolit/ESPEasy issue 1817, Gain: 1"),
    _vector((2457, 853), 1, 402, 640.87, 0.01, "letscontrolit/ESPEasy issue 1817, Gain: 0"),
    # Gain and time are not told there; Adafruit's whole-number arithmetic gives 94 at 16 and 13 ms only.
    _vector((228, 88), 16, 14, 94, 1, "adafruit/Adafruit_SI1145_Library pull request 4, a reading of a TSL2561"),
)

SPEC = gw.DriverSpec(
    name="tsl2561",
    summary="ams TSL2561: illuminance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Tsl2561(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(alone=CLEAR_INTERRUPT, with_data=WRITABLE),
)
