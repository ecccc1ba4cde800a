"""ROHM BH1750FVI on I2C: illuminance, from moonlight to the sun.

Datasheet: ROHM BH1750FVI, technical note 2011.11 rev D (pages cited below). Address 23 (ADDR low) or 5C (ADDR high).
It has neither identity nor checksum.

The answer, one word (page 7)::

    byte    0      1
            15..8  7..0

    lx = word / 1.2 x (69 / MTreg), and half of that in H-resolution mode 2 (pages 7, 11)
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.bh1750_ranges as ranges
import sensor_gateway.driver as gw

# Instruction set (page 5).
POWER_ON = gw.Write(b"\x01")
ANSWER = gw.Read(2)

COMMANDS = b"\x00\x01\x07\x10\x11\x13\x20\x21\x23" + bytes((*range(0x40, 0x48), *range(0x60, 0x80)))

Mode: TypeAlias = Literal["auto", "high", "high2", "low"]

# The brightest: FFFE at the shortest measurement time. The smallest step: mode 2 at the longest one.
_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=121_600, resolution=0.11, deadband=5.0)

# The measurement time is set in the dark and in the sun.
WIRE_BITS = gw.wire_bits(*ranges.SETTINGS[0].set_time, ranges.SETTINGS[0].command, ANSWER)
VARIANTS = {"bh1750": gw.Variant(addresses=(0x23, 0x5C), channels=(_LUX,), wire_bits=WIRE_BITS, part="BH1750")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By itself it finds mode and time, and keeps them while they suit."""

    mode: Annotated[
        Mode,
        "auto: moonlight to 121 000 lx, in 0.7 s in the dark; high: steps of 0.8 lx to 54 612 lx in 180 ms; "
        "high2: 0.4 lx, to 27 306 lx; low: 4 lx in 24 ms",
    ] = "auto"
    mtreg: Annotated[int, "a measurement time register of one's own, 31 to 254; with it, auto is high"] = (
        ranges.DEFAULT_MTREG
    )


def check(options: Options) -> tuple[str, ...]:
    """Sentences about an mtreg that the chip does not have."""
    if ranges.LOWEST_MTREG <= options.mtreg <= ranges.HIGHEST_MTREG:
        return ()
    return (f"mtreg is {ranges.LOWEST_MTREG} to {ranges.HIGHEST_MTREG}, got {options.mtreg}",)


def convert(frame: bytes, *, counts_per_lux: float = ranges.COUNTS_PER_LUX) -> gw.Values:
    """Illuminance of one answer. Total: a value within limits, BadFrame or OverRange."""
    counts = gw.number(frame, 2)
    if counts == ranges.SATURATED:
        raise gw.OverRange("the light is brighter than the chip can measure: `mode: auto` reaches furthest")
    return {"illuminance": counts / counts_per_lux}


class Bh1750:
    """One chip. After each one-time measurement it powers itself down."""

    def __init__(self, options: Options) -> None:
        """Begin in the middle; nothing is sent yet."""
        self._is_fixed = options.mode != "auto" or options.mtreg != ranges.DEFAULT_MTREG
        self._settings = (_fixed(options),) if self._is_fixed else ranges.SETTINGS
        self._at = 0 if self._is_fixed else ranges.MIDDLE
        self._is_default_time = True
        self._was_dark = False

    def identify(self) -> gw.Identifying:
        """Only see that somebody answers: the chip has no identity."""
        yield POWER_ON
        return gw.Identity(part="BH1750 (it has no identity register)", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Wake the chip and set its measurement time."""
        yield POWER_ON
        yield from self._set_time(self._settings[self._at])

    def measure(self) -> gw.Measuring:
        """Measure once; again in another range where the light does not suit this one."""
        frame = yield from self._suited()
        if not any(frame) and not self._was_dark:
            # A chip that lost power while it measured holds 0: darkness that comes all at once is measured twice.
            frame = yield from self._suited()
        self._was_dark = not any(frame)
        return convert(frame, counts_per_lux=self._settings[self._at].counts_per_lux)

    def _suited(self) -> Generator[gw.Operation, bytes, bytes]:
        return gw.suited(ranges.SPANS, self._at, self._measured, is_fixed=self._is_fixed)

    def _measured(self, place: int) -> gw.Ranged[bytes]:
        self._at, chosen = place, self._settings[place]
        # Each time: a chip that lost power is back at 69, off by up to 3.7 times, without a sign of it.
        if not (chosen.is_default_time and self._is_default_time):
            yield from self._set_time(chosen)
        yield chosen.command  # taken in power-down too (page 7)
        yield chosen.duration
        frame = yield ANSWER
        return frame, chosen.level(frame)

    def _set_time(self, chosen: ranges.Setting) -> gw.Preparing:
        set_high, set_low = chosen.set_time
        self._is_default_time = False
        yield set_high
        yield set_low
        self._is_default_time = chosen.is_default_time


def _fixed(options: Options) -> ranges.Setting:
    return ranges.setting("high" if options.mode == "auto" else options.mode, options.mtreg)


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the answer."""
    return convert(*vector.frames, counts_per_lux=_fixed(Options(**vector.options)).counts_per_lux)


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
