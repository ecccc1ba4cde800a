"""Lite-On LTR-390UV on I2C: illuminance and UV index, one measured after the other.

Datasheet: Lite-On LTR-390UV-01, DS86-2015-0004 rev 1.1 (cited below by its registers). Address 53. No checksum.

The answers, ALS_DATA 0D to 0F and UVS_DATA 10 to 12, low byte first::

    byte    0      1      2
            7..0   15..8  0000, 19..16
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from sensor_gateway.driver import (
    ILLUMINANCE,
    MOST_RANGES_TRIED,
    BadFrame,
    BusKind,
    Channel,
    DriverSpec,
    Heeds,
    Identifying,
    Identity,
    Measuring,
    NoAnswer,
    NotReady,
    Operation,
    OverRange,
    Preparing,
    Span,
    Values,
    Variant,
    Vector,
    Wait,
    Write,
    WriteRead,
    WrongChip,
    other,
    suitable_range,
)

MEAS_RATE, GAIN = 0x04, 0x05
READ_PART_ID = WriteRead(b"\x06", 1)
READ_MAIN_STATUS = WriteRead(b"\x07", 1)
READ_SETTINGS = WriteRead(b"\x04", 2)  # MEAS_RATE, GAIN
STANDBY = Write(b"\x00\x00")  # MAIN_CTRL
MEASURE_ALS, MEASURE_UVS = Write(b"\x00\x02"), Write(b"\x00\x0a")
READ_ALS_DATA, READ_UVS_DATA = WriteRead(b"\x0d", 3), WriteRead(b"\x10", 3)
WRITABLE = b"\x00\x04\x05\x19\x1a\x21\x22\x23\x24\x25\x26"
PART_NUMBER = 0xB0  # the low nibble is the revision
RESERVED_STATUS = 0xC7
DATA_STATUS = 0x08  # new data, not read yet; reading the status clears it

GAINS = {1: 0, 3: 1, 6: 2, 9: 3, 18: 4}
# Bits: code in MEAS_RATE 6:4, conversion time in ms. The rate in 2:0 is left at its fastest: the chip slows down as
# it must.
RESOLUTIONS = {20: (0, 400), 18: (2, 100), 16: (4, 25)}
WAKE_UP_S = 0.010
# Conversion times are typical ones, so the end is asked for: up to half as long again.
POLLS = 10

ALS_FACTOR = 0.6  # lx = 0.6 x counts / (gain x conversion time in 100 ms)
# Counts per UV index at gain 18 and 20 bits. Rev 1.0 of the datasheet had 1400; Linux (ltr390.c), ESPHome and Adafruit
# have 2300, too.
UV_SENSITIVITY = 2300.0
BRIGHTEST, MOST_UV = 157_300.0, 456.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Gain and resolution of one measurement."""

    gain: int
    bits: int

    @property
    def most_counts(self) -> int:
        """Where the converter ends."""
        return (1 << self.bits) - 1

    @property
    def lux_per_count(self) -> float:
        """In ALS mode."""
        return ALS_FACTOR / (self.gain * RESOLUTIONS[self.bits][1] / 100)

    @property
    def index_per_count(self) -> float:
        """In UVS mode."""
        return 18 / self.gain * 2.0 ** (20 - self.bits) / UV_SENSITIVITY


RANGES = {  # and the lx that each is good for
    "room": (Setting(gain=18, bits=20), Span(low=0, high=8000)),
    "sun": (Setting(gain=1, bits=18), Span(low=3000, high=BRIGHTEST)),
}
NAMES = tuple(RANGES)
SETTINGS, SPANS = zip(*RANGES.values(), strict=True)
UVS = Setting(gain=18, bits=20)  # ends far beyond the sun

Range: TypeAlias = Literal["auto", "room", "sun"]

_LUX = Channel(name="illuminance", quantity=ILLUMINANCE, low=0, high=BRIGHTEST, resolution=0.008, deadband=1.0)
_UV = Channel(name="uv_index", quantity=other("UV index"), low=0, high=MOST_UV, resolution=0.001, deadband=0.1)

# wire_bits: twice two settings and two modes (3 bytes each), two states (4 bytes each) and an answer (6 bytes), 9 bits
# each, with start, repeated start and stop.
VARIANTS = {
    "ltr390": Variant(addresses=(0x53,), channels=(_LUX, _UV), wire_bits=604, part="LTR-390UV", has_identity=True)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures light: it takes 0.4 s, or 0.1 s in the sun, and the UV index 0.4 s after that."""

    range: Annotated[Range, "auto, or one for ever: room to 8700 lx, sun in steps of 0.6 lx"] = "auto"


def convert(als: bytes, uvs: bytes, *, light: Setting, uv: Setting = UVS) -> Values:
    """Values of both measurements. Total: values within limits, BadFrame or OverRange."""
    lux = _counts(als, light, "light") * light.lux_per_count
    index = _counts(uvs, uv, "ultraviolet") * uv.index_per_count
    if index > MOST_UV:
        raise OverRange(f"a UV index of {index:.0f} is beyond what the chip can measure")
    return {"illuminance": lux, "uv_index": index}


def _counts(frame: bytes, setting: Setting, what: str) -> int:
    if len(frame) != READ_ALS_DATA.count:
        raise BadFrame("data of the wrong length", expected="3 bytes", got=frame)
    counts = int.from_bytes(frame, "little")
    if counts > setting.most_counts:
        raise BadFrame(f"more counts than {setting.bits} bits hold", got=frame)
    if counts == setting.most_counts:
        raise OverRange(f"the {what} is brighter than this range of the chip can measure")
    return counts


class Ltr390:
    """One chip. It stands by between measurements."""

    def __init__(self, options: Options) -> None:
        """Begin in the brighter range, which is the quicker one; nothing is sent yet."""
        self._is_fixed = options.range != "auto"
        self._at = NAMES.index(options.range) if self._is_fixed else NAMES.index("sun")

    def identify(self) -> Identifying:
        """Check the part number."""
        answer = yield READ_PART_ID
        if answer[0] & 0xF0 != PART_NUMBER:
            raise WrongChip("part id, register 06", expected="Bx", got=answer)
        return Identity(part=f"LTR-390UV revision {answer[0] & 0x0F}", channels=("illuminance", "uv_index"))

    def setup(self) -> Preparing:
        """Stand by: each measurement sets what it needs. A software reset would upset the bus (Adafruit's driver)."""
        yield STANDBY

    def measure(self) -> Measuring:
        """Measure the light, in another range where it does not suit this one, and then the ultraviolet."""
        for _ in range(MOST_RANGES_TRIED):
            setting = SETTINGS[self._at]
            als = yield from _measured(setting, MEASURE_ALS, READ_ALS_DATA)
            counts = int.from_bytes(als, "little")
            level = None if counts >= setting.most_counts else counts * setting.lux_per_count
            place = self._at if self._is_fixed else suitable_range(SPANS, self._at, level)
            if place == self._at:
                break
            self._at = place
        else:
            raise OverRange("the light changes faster than the chip's ranges can follow")
        uvs = yield from _measured(UVS, MEASURE_UVS, READ_UVS_DATA)
        return convert(als, uvs, light=setting)


def _measured(setting: Setting, start: Write, read: WriteRead) -> Generator[Operation, bytes, bytes]:
    """One measurement from standby to standby."""
    code, milliseconds = RESOLUTIONS[setting.bits]
    yield STANDBY
    settings = bytes((code << 4, GAINS[setting.gain]))
    yield Write(bytes((MEAS_RATE, settings[0])))
    yield Write(bytes((GAIN, settings[1])))
    yield READ_MAIN_STATUS  # clears what an earlier measurement left
    yield start
    yield Wait(WAKE_UP_S + milliseconds / 1000)
    for _ in range(POLLS):
        status = yield READ_MAIN_STATUS
        if status[0] & RESERVED_STATUS:
            raise BadFrame("status with reserved bits", got=status)
        if status[0] & DATA_STATUS:
            frame = yield read
            # After power-on it has other settings: another scale, and no measurement at all.
            if (yield READ_SETTINGS) != settings:
                raise NotReady("the chip has lost its settings: it lost power")
            yield STANDBY
            return frame
        yield Wait(milliseconds / 2000 / POLLS)
    raise NoAnswer("the chip has no new data long after its conversion time")


def create(_variant: str, options: Options, _address: int) -> Ltr390:
    """Make the driver of one chip."""
    return Ltr390(options)


def replay(vector: Vector) -> Values:
    """Frames: light, ultraviolet. Options: gain and bits of each."""
    chosen: dict[str, Any] = dict(vector.options)
    light, uv = (Setting(gain=gain, bits=bits) for gain, bits in (chosen["light"], chosen["uv"]))
    return convert(*vector.frames, light=light, uv=uv)


def _vector(als: str, uvs: str, uv: tuple[int, int], lux: float, index: float) -> Vector:
    return Vector(
        variant="ltr390",
        frames=(bytes.fromhex(als), bytes.fromhex(uvs)),
        values={"illuminance": lux, "uv_index": index},
        tolerance=0.1,
        source="madmachineio/MadDrivers Tests/LTR390Tests/LTR390Tests.swift, testReadLux and testReadUVI",
        options={"light": (3, 16), "uv": uv},
    )


VECTORS = (
    _vector("ff 00 00", "f5 00 00", (3, 16), 204, 10.2),
    _vector("61 80 00", "a6 34 00", (18, 20), 26_292, 5.86),
)

SPEC = DriverSpec(
    name="ltr390",
    summary="Lite-On LTR-390UV: illuminance, UV index",
    bus=BusKind.I2C,
    variants=VARIANTS,
    create=create,
    replay=replay,
    vectors=VECTORS,
    options=Options,
    heeds=Heeds(with_data=WRITABLE),
)
