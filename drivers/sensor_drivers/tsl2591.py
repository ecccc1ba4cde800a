"""ams TSL2591 (TSL25911) on I2C: illuminance, from moonlight to the sun, by a broadband and an infrared photodiode.

Datasheet: ams TSL2591 v1-06 (cited below by its registers). Address 29. No checksum.

The answer, registers 13 to 17 in one burst, words low byte first::

    byte    13                     14     15      16     17
            .. NPINTR AINT .. AVALID  C0 7..0, 15..8   C1 7..0, 15..8      C0: visible and infrared, C1: infrared
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.tsl2591_ranges as ranges
import sensor_gateway.driver as gw

# The command register: CMD, and TRANSACTION 01 for normal operation.
COMMAND = 0xA0
ENABLE, CONTROL = COMMAND | 0x00, COMMAND | 0x01
READ_ID = gw.WriteRead(bytes((COMMAND | 0x12,)), 1)
READ_STATUS_AND_CHANNELS = gw.WriteRead(bytes((COMMAND | 0x13,)), 5)
READ_CONTROL = gw.WriteRead(bytes((CONTROL,)), 1)
DEVICE_ID = b"\x50"
AVALID = 0x01  # an integration has ended since AEN was set
POWER_ON, POWER_ON_AND_INTEGRATE = gw.Write(bytes((ENABLE, 0x01))), gw.Write(bytes((ENABLE, 0x03)))  # PON, AEN
SPECIAL_FUNCTIONS = b"\xe4\xe6\xe7\xea"  # interrupts, set and cleared
WRITABLE = bytes((ENABLE, CONTROL, *range(0xA4, 0xAD)))

SLOWEST = 1.2  # the longest integration is 108 ms where 100 are asked for; the rest is slack

Range: TypeAlias = Literal["auto", "moonlight", "room", "daylight", "sun"]

_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=ranges.BRIGHTEST, resolution=0.001, deadband=1.0)

WIRE_BITS = gw.wire_bits(READ_STATUS_AND_CHANNELS)
VARIANTS = {
    "tsl2591": gw.Variant(addresses=(0x29,), channels=(_LUX,), wire_bits=WIRE_BITS, part="TSL2591", has_identity=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By itself it finds the range, and keeps it while it suits."""

    range: Annotated[Range, "auto, or one for ever: moonlight to 4 lx, room to 300, daylight to 6000, sun"] = "auto"


def convert(frame: bytes, *, setting: ranges.Setting) -> gw.Values:
    """Illuminance of one answer. Total: a value within limits, or an error."""
    both, infrared = _channels(frame)
    if max(both, infrared) >= setting.most_counts:
        raise gw.OverRange("the light is brighter than this range of the chip can measure")
    counts = ranges.visible(both, infrared)
    if counts < 0 and max(both, infrared) > ranges.NOISE:
        raise gw.OverRange("the light is nearly all infrared: no illuminance can be told from it")
    return {"illuminance": max(counts, 0.0) / setting.counts_per_lux}


def _channels(frame: bytes) -> tuple[int, int]:
    status, both, infrared = gw.numbers(frame, "<BHH")
    if not status & AVALID:
        raise gw.NotReady("the chip has finished no integration: it lost power")
    return both, infrared


class Tsl2591:
    """One chip. It integrates all the time."""

    def __init__(self, options: Options) -> None:
        """Begin in the middle; nothing is sent yet."""
        self._is_fixed = options.range != "auto"
        self._at = ranges.NAMES.index(options.range) if self._is_fixed else ranges.MIDDLE

    def identify(self) -> gw.Identifying:
        """Check the id."""
        yield from gw.identified(READ_ID, DEVICE_ID, what="device id, register 12")
        return gw.Identity(part="TSL2591", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Set the range and wait for its first value."""
        yield from self._enter(self._at)

    def measure(self) -> gw.Measuring:
        """Read the newest value; in another range where it does not suit this one."""
        frame = yield from gw.suited(ranges.SPANS, self._at, self._measured, is_fixed=self._is_fixed)
        return convert(frame, setting=ranges.SETTINGS[self._at])

    def _measured(self, place: int) -> gw.Ranged[bytes]:
        if place != self._at:
            yield from self._enter(place)
        frame = yield READ_STATUS_AND_CHANNELS
        return frame, ranges.SETTINGS[place].level(*_channels(frame))

    def _enter(self, place: int) -> gw.Preparing:
        """Set the range. Without AEN in between, what is being integrated would still count, and AVALID would stay."""
        setting = ranges.SETTINGS[place]
        yield POWER_ON
        control = ranges.GAIN[setting.gain] | ranges.TIME[setting.time]
        yield gw.Write(bytes((CONTROL, control)))
        yield POWER_ON_AND_INTEGRATE
        self._at = place
        yield gw.Wait(SLOWEST * setting.time / 1000)
        # Power that is lost later costs AVALID, but not what is lost between the two writes.
        if (yield READ_CONTROL)[0] != control:
            raise gw.NotReady("the chip has lost its range: it lost power")


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the burst. Options are the gain and the integration time."""
    return convert(*vector.frames, setting=ranges.Setting(**vector.options, span=ranges.SPANS[ranges.MIDDLE]))


VECTORS = tuple(
    gw.vector("tsl2591", frame, illuminance=lux, tolerance=by, source=source, options={"gain": gain, "time": time})
    for frame, gain, time, lux, by, source in (
        ("01 03 04 01 02", 25, 100, 30.3, 0.1, "madmachineio/MadDrivers TSL2591Tests.swift, testReadLux"),
        # Gain and time are not told there: 500 (of gain x ms) is the one product that gives its number.
        ("01 e8 00 5e 00", 1, 500, 63.517436, 1e-4, "adafruit/Adafruit_SI1145_Library pull request 4, IR: 94"),
    )
)

SPEC = gw.DriverSpec(
    name="tsl2591",
    summary="ams TSL2591: illuminance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Tsl2591(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(alone=SPECIAL_FUNCTIONS, with_data=WRITABLE),
)
