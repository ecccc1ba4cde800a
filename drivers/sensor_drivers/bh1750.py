"""ROHM BH1750FVI on I2C: illuminance, from moonlight to the sun.

Datasheet: ROHM BH1750FVI, technical note 2011.11 rev D (pages cited below). Address 23 (ADDR low) or 5C (ADDR high).
It has neither identity nor checksum.

The answer, one word (page 7)::

    byte    0      1
            15..8  7..0

    lx = word / 1.2 x (69 / MTreg), and half of that in H-resolution mode 2 (pages 7, 11)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import sensor_gateway.driver as gw

# Instruction set (page 5).
POWER_ON = gw.Write(b"\x01")
MEASUREMENT_TIME_HIGH, MEASUREMENT_TIME_LOW = 0x40, 0x60  # 01000_MT[7,6,5] and 011_MT[4..0]
ANSWER = gw.Read(2)

COMMANDS = b"\x00\x01\x07\x10\x11\x13\x20\x21\x23" + bytes((*range(0x40, 0x48), *range(0x60, 0x80)))

COUNTS_PER_LUX = 1.2  # typical measurement accuracy at the default MTreg (pages 2, 7)
DEFAULT_MTREG, LOWEST_MTREG, HIGHEST_MTREG = 69, 31, 254  # page 11
SATURATED = 0xFFFF

Mode: TypeAlias = Literal["auto", "high", "high2", "low"]
MODES = {  # one-time command (page 5), longest measurement time at the default MTreg (page 2), counts per step
    "high": (gw.Write(b"\x20"), 0.180, 1),
    "high2": (gw.Write(b"\x21"), 0.180, 2),
    "low": (gw.Write(b"\x23"), 0.024, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the chip's ranges: its operations, and how many counts a lux gives."""

    set_time: tuple[gw.Write, gw.Write] | None
    command: gw.Write
    duration: gw.Wait
    counts_per_lux: float


def setting(mode: str, mtreg: int = DEFAULT_MTREG) -> Setting:
    """The range of this mode and measurement time register (pages 5, 7, 11); the default time needs no setting."""
    command, longest_s, counts = MODES[mode]
    set_time = (
        gw.Write(bytes((MEASUREMENT_TIME_HIGH | mtreg >> 5,))),
        gw.Write(bytes((MEASUREMENT_TIME_LOW | mtreg & 0x1F,))),
    )
    return Setting(
        set_time=None if mtreg == DEFAULT_MTREG else set_time,
        command=command,
        duration=gw.Wait(longest_s * mtreg / DEFAULT_MTREG),
        counts_per_lux=COUNTS_PER_LUX * counts * mtreg / DEFAULT_MTREG,
    )


# Those that `auto` chooses from, and the lx that each is good for: steps of 0.11 lx in 663 ms, of 0.8 lx in 180 ms, of
# 1.9 lx in 81 ms.
SETTINGS = (setting("high2", HIGHEST_MTREG), setting("high"), setting("high", LOWEST_MTREG))
SPANS = (gw.Span(low=0, high=150), gw.Span(low=80, high=50_000), gw.Span(low=30_000, high=121_600))
MIDDLE = 1
SET_DEFAULT_TIME = (gw.Write(b"\x42"), gw.Write(b"\x65"))

# The brightest: FFFE at the shortest measurement time. The smallest step: mode 2 at the longest one.
_LUX = gw.Channel(name="illuminance", quantity=gw.ILLUMINANCE, low=0, high=121_600, resolution=0.11, deadband=5.0)

# wire_bits: in the dark and in the sun, MTreg (two writes of 2 bytes), command (2 bytes) and answer (3 bytes), 9 bits
# each, with start and stop.
VARIANTS = {"bh1750": gw.Variant(addresses=(0x23, 0x5C), channels=(_LUX,), wire_bits=89, part="BH1750")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By itself it finds mode and time, and keeps them while they suit."""

    mode: Annotated[
        Mode,
        "auto: moonlight to 121 000 lx, in 0.7 s in the dark; high: steps of 0.8 lx to 54 612 lx in 180 ms; "
        "high2: 0.4 lx, to 27 306 lx; low: 4 lx in 24 ms",
    ] = "auto"
    mtreg: Annotated[int, "a measurement time register of one's own, 31 to 254; with it, auto is high"] = DEFAULT_MTREG


def check(options: Options) -> tuple[str, ...]:
    """Sentences about an mtreg that the chip does not have."""
    if LOWEST_MTREG <= options.mtreg <= HIGHEST_MTREG:
        return ()
    return (f"mtreg is {LOWEST_MTREG} to {HIGHEST_MTREG}, got {options.mtreg}",)


def convert(frame: bytes, *, counts_per_lux: float = COUNTS_PER_LUX) -> gw.Values:
    """Illuminance of one answer. Total: a value within limits, BadFrame or OverRange."""
    counts = gw.number(frame, 2)
    if counts == SATURATED:
        raise gw.OverRange("the light is brighter than the chip can measure: `mode: auto` reaches furthest")
    return {"illuminance": counts / counts_per_lux}


class Bh1750:
    """One chip. After each one-time measurement it powers itself down."""

    def __init__(self, options: Options) -> None:
        """Begin in the middle; nothing is sent yet."""
        self._is_fixed = options.mode != "auto" or options.mtreg != DEFAULT_MTREG
        self._settings = (_fixed(options),) if self._is_fixed else SETTINGS
        self._at = 0 if self._is_fixed else MIDDLE
        self._is_default_time = True
        self._was_dark = False

    def identify(self) -> gw.Identifying:
        """Only see that somebody answers: the chip has no identity."""
        yield POWER_ON
        return gw.Identity(part="BH1750 (it has no identity register)", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Wake the chip and set its measurement time."""
        yield POWER_ON
        set_high, set_low = self._settings[self._at].set_time or SET_DEFAULT_TIME
        yield set_high
        yield set_low
        self._is_default_time = self._settings[self._at].set_time is None

    def measure(self) -> gw.Measuring:
        """Measure once; again in another range where the light does not suit this one."""
        for _ in range(gw.MOST_RANGES_TRIED):
            chosen = self._settings[self._at]
            if chosen.set_time is not None:
                # Each time: a chip that lost power is back at 69, off by up to 3.7 times, without a sign of it.
                self._is_default_time = False
                for write in chosen.set_time:
                    yield write
            elif not self._is_default_time:
                for write in SET_DEFAULT_TIME:
                    yield write
                self._is_default_time = True
            yield chosen.command  # taken in power-down too (page 7)
            yield chosen.duration
            frame = yield ANSWER
            place = self._at if self._is_fixed else gw.suitable_range(SPANS, self._at, _level(frame, chosen))
            if place != self._at:
                self._at = place
            elif any(frame) or self._was_dark:
                self._was_dark = not any(frame)
                return convert(frame, counts_per_lux=chosen.counts_per_lux)
            else:
                # A chip that lost power while it measured holds 0: darkness that comes all at once is measured twice.
                self._was_dark = True
        raise gw.OverRange("the light changes faster than the chip's ranges can follow")


def _fixed(options: Options) -> Setting:
    return setting("high" if options.mode == "auto" else options.mode, options.mtreg)


def _level(frame: bytes, chosen: Setting) -> float | None:
    counts = int.from_bytes(frame, "big")
    return None if counts == SATURATED else counts / chosen.counts_per_lux


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the answer."""
    chosen: dict[str, Any] = dict(vector.options)
    return convert(*vector.frames, counts_per_lux=_fixed(Options(**chosen)).counts_per_lux)


def _vector(frame: str, lux: float, source: str, **options: object) -> gw.Vector:
    return gw.vector("bh1750", frame, illuminance=lux, tolerance=0.51, source=source, options=options)


_DENIS = "denis-koshenkov/rohm-bh1750fvi test/bh1750.cpp: "

VECTORS = (
    _vector("83 90", 28067, "BH1750FVI page 7, worked example"),
    _vector("04 b0", 1000, "sergevas/iot-env Bh1750AdapterTest.java"),
    _vector("ef 34", 51030, "sergevas/iot-env Bh1750AdapterTest.java"),
    _vector("75 4f", 25026, _DENIS + "continuous measurement"),
    _vector("83 90", 14033, _DENIS + "H-resolution mode 2", mode="high2"),
    _vector("83 90", 28067, _DENIS + "L-resolution mode", mode="low"),
    _vector("83 90", 14033, _DENIS + "measurement time 138", mtreg=138),
    _vector("83 90", 7017, _DENIS + "measurement time 138, H-resolution mode 2", mode="high2", mtreg=138),
    _vector("83 90", 7624, _DENIS + "measurement time 254", mtreg=254),
    _vector("83 90", 62471, _DENIS + "measurement time 31", mtreg=31),
)

SPEC = gw.DriverSpec(
    name="bh1750",
    summary="ROHM BH1750: illuminance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Bh1750(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    check=check,
    heeds=gw.Heeds(alone=COMMANDS),
)
