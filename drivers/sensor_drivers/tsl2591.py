"""ams TSL2591 (TSL25911) on I2C: illuminance, from moonlight to the sun, by a broadband and an infrared photodiode.

Datasheet: ams TSL2591 v1-06 (cited below by its registers). Address 29. No checksum.

The answer, registers 13 to 17 in one burst, words low byte first::

    byte    13                     14     15      16     17
            .. NPINTR AINT .. AVALID  C0 7..0, 15..8   C1 7..0, 15..8      C0: visible and infrared, C1: infrared
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

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

GAIN = {1: 0x00, 25: 0x10, 428: 0x20, 9876: 0x30}  # AGAIN, with the datasheet's typical gains
TIME = {100: 0x00, 200: 0x01, 600: 0x05}  # ATIME, in ms
MOST_COUNTS = {100: 36_863}  # ATIME 000; otherwise FFFF
SLOWEST = 1.2  # the longest integration is 108 ms where 100 are asked for; the rest is slack

# Counts to lx. The maker publishes no formula. This is Adafruit's first one, with coefficients from TAOS and DF 408,
# which CircuitPython and MadDrivers still use. Linux, ESPHome and Adafruit's C++ have (C0 - C1) x (1 - C1 / C0): the
# same within 5 % in daylight and under LEDs, more under filament lamps.
DEVICE_FACTOR = 408.0
COEF_B, COEF_C, COEF_D = 1.64, 0.59, 0.86
NOISE = 20  # so few counts are darkness, whatever their colour
BRIGHTEST = 150_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the chip's ranges: gain, integration time in ms, and the levels (lx, if all were visible) it suits."""

    gain: int
    time: int
    span: gw.Span

    @property
    def counts_per_lux(self) -> float:
        """Of channel 0."""
        return self.time * self.gain / DEVICE_FACTOR

    @property
    def most_counts(self) -> int:
        """Where the converter ends."""
        return MOST_COUNTS.get(self.time, 0xFFFF)


RANGES = {
    "moonlight": Setting(gain=9876, time=600, span=gw.Span(low=0, high=4)),
    "room": Setting(gain=428, time=200, span=gw.Span(low=1.5, high=280)),
    "daylight": Setting(gain=25, time=100, span=gw.Span(low=100, high=5400)),
    "sun": Setting(gain=1, time=100, span=gw.Span(low=2000, high=BRIGHTEST)),
}
NAMES, SETTINGS = tuple(RANGES), tuple(RANGES.values())
SPANS = tuple(setting.span for setting in SETTINGS)
MIDDLE = NAMES.index("daylight")

Range: TypeAlias = Literal["auto", "moonlight", "room", "daylight", "sun"]

_LUX = gw.Channel(name="illuminance", quantity=gw.ILLUMINANCE, low=0, high=BRIGHTEST, resolution=0.001, deadband=1.0)

# wire_bits: the burst, 8 bytes of 9 bits each, with start, repeated start and stop.
VARIANTS = {
    "tsl2591": gw.Variant(addresses=(0x29,), channels=(_LUX,), wire_bits=75, part="TSL2591", has_identity=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By itself it finds the range, and keeps it while it suits."""

    range: Annotated[Range, "auto, or one for ever: moonlight to 4 lx, room to 300, daylight to 6000, sun"] = "auto"


def convert(frame: bytes, *, setting: Setting) -> gw.Values:
    """Illuminance of one answer. Total: a value within limits, or an error."""
    if len(frame) != READ_STATUS_AND_CHANNELS.count:
        raise gw.BadFrame("answer of the wrong length", expected="5 bytes", got=frame)
    if not frame[0] & AVALID:
        raise gw.NotReady("the chip has finished no integration: it lost power")
    both, infrared = int.from_bytes(frame[1:3], "little"), int.from_bytes(frame[3:5], "little")
    if max(both, infrared) >= setting.most_counts:
        raise gw.OverRange("the light is brighter than this range of the chip can measure")
    counts = max(both - COEF_B * infrared, COEF_C * both - COEF_D * infrared)
    if counts < 0 and max(both, infrared) > NOISE:
        raise gw.OverRange("the light is nearly all infrared: no illuminance can be told from it")
    return {"illuminance": max(counts, 0.0) / setting.counts_per_lux}


class Tsl2591:
    """One chip. It integrates all the time."""

    def __init__(self, options: Options) -> None:
        """Begin in the middle; nothing is sent yet."""
        self._is_fixed = options.range != "auto"
        self._at = NAMES.index(options.range) if self._is_fixed else MIDDLE

    def identify(self) -> gw.Identifying:
        """Check the id."""
        answer = yield READ_ID
        if answer != DEVICE_ID:
            raise gw.WrongChip("device id, register 12", expected=DEVICE_ID, got=answer)
        return gw.Identity(part="TSL2591", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Set the range and wait for its first value."""
        yield from self._enter(self._at)

    def measure(self) -> gw.Measuring:
        """Read the newest value; in another range where it does not suit this one."""
        frame = yield from gw.suited(SPANS, self._at, self._measured, is_fixed=self._is_fixed)
        return convert(frame, setting=SETTINGS[self._at])

    def _measured(self, place: int) -> gw.Ranged[bytes]:
        if place != self._at:
            yield from self._enter(place)
        frame = yield READ_STATUS_AND_CHANNELS
        if not frame[0] & AVALID:
            convert(frame, setting=SETTINGS[place])  # says what is wrong
        return frame, _level(frame, SETTINGS[place])

    def _enter(self, place: int) -> gw.Preparing:
        """Set the range. Without AEN in between, what is being integrated would still count, and AVALID would stay."""
        setting = SETTINGS[place]
        yield POWER_ON
        control = GAIN[setting.gain] | TIME[setting.time]
        yield gw.Write(bytes((CONTROL, control)))
        yield POWER_ON_AND_INTEGRATE
        self._at = place
        yield gw.Wait(SLOWEST * setting.time / 1000)
        # Power that is lost later costs AVALID, but not what is lost between the two writes.
        if (yield READ_CONTROL)[0] != control:
            raise gw.NotReady("the chip has lost its range: it lost power")


def _level(frame: bytes, setting: Setting) -> float | None:
    counts = max(int.from_bytes(frame[1:3], "little"), int.from_bytes(frame[3:5], "little"))
    return None if counts >= setting.most_counts else counts / setting.counts_per_lux


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the burst. Options are the gain and the integration time."""
    chosen: dict[str, Any] = dict(vector.options)
    return convert(*vector.frames, setting=Setting(**chosen, span=SPANS[MIDDLE]))


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
