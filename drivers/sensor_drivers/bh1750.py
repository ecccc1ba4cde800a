"""ROHM BH1750FVI on I2C: illuminance.

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

from sensor_gateway.driver import (
    ILLUMINANCE,
    BadFrame,
    BusKind,
    Channel,
    DriverSpec,
    Heeds,
    Identifying,
    Identity,
    Measuring,
    OverRange,
    Preparing,
    Read,
    Values,
    Variant,
    Vector,
    Wait,
    Write,
)

# Instruction set (page 5).
POWER_ON = Write(b"\x01")
CHANGE_MEASUREMENT_TIME_HIGH, CHANGE_MEASUREMENT_TIME_LOW = 0x40, 0x60  # 01000_MT[7,6,5] and 011_MT[4..0]
ANSWER = Read(2)

COMMANDS = b"\x00\x01\x07\x10\x11\x13\x20\x21\x23" + bytes((*range(0x40, 0x48), *range(0x60, 0x80)))

COUNTS_PER_LUX = 1.2  # typical measurement accuracy at the default MTreg (pages 2, 7)
DEFAULT_MTREG, LOWEST_MTREG, HIGHEST_MTREG = 69, 31, 254  # page 11
SATURATED = 0xFFFF

Mode: TypeAlias = Literal["high", "high2", "low"]
MODES = {  # one-time command (page 5), longest measurement time at the default MTreg (page 2), counts per step
    "high": (b"\x20", 0.180, 1),
    "high2": (b"\x21", 0.180, 2),
    "low": (b"\x23", 0.024, 1),
}

# The brightest: FFFE at the shortest measurement time. The smallest step: mode 2 at the longest one.
_LUX = Channel(name="illuminance", quantity=ILLUMINANCE, low=0, high=121_600, resolution=0.11, deadband=5.0)

# wire_bits: command (2 bytes) and answer (3 bytes), 9 bits each, with start and stop.
VARIANTS = {"bh1750": Variant(addresses=(0x23, 0x5C), channels=(_LUX,), wire_bits=49, part="BH1750")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By default it reaches 54 612 lx in 180 ms."""

    mode: Annotated[Mode, "high: steps of 0.8 lx in 180 ms; high2: 0.4 lx, to 27 306 lx; low: 4 lx in 24 ms"] = "high"
    mtreg: Annotated[int, "measurement time register, 31 to 254: more is finer and slower, 31 reaches 121 000 lx"] = (
        DEFAULT_MTREG
    )


def check(options: Options) -> tuple[str, ...]:
    """Sentences about an mtreg that the chip does not have."""
    if LOWEST_MTREG <= options.mtreg <= HIGHEST_MTREG:
        return ()
    return (f"mtreg is {LOWEST_MTREG} to {HIGHEST_MTREG}, got {options.mtreg}",)


def convert(frame: bytes, *, counts_per_lux: float = COUNTS_PER_LUX) -> Values:
    """Illuminance of one answer. Total: a value within limits, BadFrame or OverRange."""
    if len(frame) != ANSWER.count:
        raise BadFrame("answer of the wrong length", expected="2 bytes", got=frame)
    counts = frame[0] << 8 | frame[1]
    if counts == SATURATED:
        raise OverRange("the light is brighter than the chip can measure: a lower mtreg reaches further")
    return {"illuminance": counts / counts_per_lux}


def counts_per_lux(options: Options) -> float:
    """How many counts a lux gives in this mode, with this measurement time."""
    return COUNTS_PER_LUX * MODES[options.mode][2] * options.mtreg / DEFAULT_MTREG


class Bh1750:
    """One chip. After each one-time measurement it powers itself down."""

    def __init__(self, options: Options) -> None:
        """Work out commands, time and scale; nothing is sent yet."""
        command, longest_s, _ = MODES[options.mode]
        mtreg = options.mtreg
        self._command = Write(command)
        self._duration = Wait(longest_s * mtreg / DEFAULT_MTREG)
        self._counts_per_lux = counts_per_lux(options)
        self._set_high = Write(bytes((CHANGE_MEASUREMENT_TIME_HIGH | mtreg >> 5,)))
        self._set_low = Write(bytes((CHANGE_MEASUREMENT_TIME_LOW | mtreg & 0x1F,)))
        self._is_default_time = mtreg == DEFAULT_MTREG

    def identify(self) -> Identifying:
        """Only see that somebody answers: the chip has no identity."""
        yield POWER_ON
        return Identity(part="BH1750 (it has no identity register)", channels=("illuminance",))

    def setup(self) -> Preparing:
        """Wake the chip and set its measurement time."""
        yield POWER_ON
        yield self._set_high
        yield self._set_low

    def measure(self) -> Measuring:
        """Measure once. The one-time commands are taken in power-down too (page 7)."""
        if not self._is_default_time:
            # A chip that lost power is back at 69 and would be off by up to 3.7 times, without a sign of it.
            yield self._set_high
            yield self._set_low
        yield self._command
        yield self._duration
        return convert((yield ANSWER), counts_per_lux=self._counts_per_lux)


def create(_variant: str, options: Options, _address: int) -> Bh1750:
    """Make the driver of one chip."""
    return Bh1750(options)


def replay(vector: Vector) -> Values:
    """Frame: the answer."""
    chosen: dict[str, Any] = dict(vector.options)
    return convert(*vector.frames, counts_per_lux=counts_per_lux(Options(**chosen)))


def _vector(frame: str, lux: float, source: str, **options: object) -> Vector:
    raw = (bytes.fromhex(frame),)
    return Vector(
        variant="bh1750", frames=raw, values={"illuminance": lux}, tolerance=0.51, source=source, options=options
    )


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

SPEC = DriverSpec(
    name="bh1750",
    summary="ROHM BH1750: illuminance",
    bus=BusKind.I2C,
    variants=VARIANTS,
    create=create,
    replay=replay,
    vectors=VECTORS,
    options=Options,
    check=check,
    heeds=Heeds(alone=COMMANDS),
)
