"""Lite-On LTR-390UV on I2C: illuminance and UV index, one measured after the other.

Datasheet: Lite-On LTR-390UV-01, DS86-2015-0004 rev 1.1 (cited below by its registers). Address 53. No checksum.

The answers, ALS_DATA 0D to 0F and UVS_DATA 10 to 12, low byte first::

    byte    0      1      2
            7..0   15..8  0000, 19..16
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.ltr390_ranges as ranges
import sensor_gateway.driver as gw

MEAS_RATE, GAIN = 0x04, 0x05
READ_PART_ID = gw.WriteRead(b"\x06", 1)
READ_MAIN_STATUS = gw.WriteRead(b"\x07", 1)
READ_SETTINGS = gw.WriteRead(b"\x04", 2)  # MEAS_RATE, GAIN
STANDBY = gw.Write(b"\x00\x00")  # MAIN_CTRL
MEASURE_ALS, MEASURE_UVS = gw.Write(b"\x00\x02"), gw.Write(b"\x00\x0a")
READ_ALS_DATA, READ_UVS_DATA = gw.WriteRead(b"\x0d", 3), gw.WriteRead(b"\x10", 3)
WRITABLE = b"\x00\x04\x05\x19\x1a\x21\x22\x23\x24\x25\x26"
PART_NUMBER = 0xB0  # the low nibble is the revision
RESERVED_STATUS = 0xC7
DATA_STATUS = 0x08  # new data, not read yet; reading the status clears it

WAKE_UP_S = 0.010
# Conversion times are typical ones, so the end is asked for: up to half as long again.
POLLS = 10

Range: TypeAlias = Literal["auto", "room", "sun"]

_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=ranges.BRIGHTEST, resolution=0.008, deadband=1.0)
_UV = gw.Channel(
    name="uv_index", quantity=gw.other("UV index"), low=0, high=ranges.MOST_UV, resolution=0.001, deadband=0.1
)

# Of each of the two measurements: two modes, two settings, the start; the status before and after; data and settings.
WIRE_BITS = 2 * (
    5 * gw.wire_bits(STANDBY) + 2 * gw.wire_bits(READ_MAIN_STATUS) + gw.wire_bits(READ_ALS_DATA, READ_SETTINGS)
)
VARIANTS = {
    "ltr390": gw.Variant(
        addresses=(0x53,), channels=(_LUX, _UV), wire_bits=WIRE_BITS, part="LTR-390UV", has_identity=True
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures light: it takes 0.4 s, or 0.1 s in the sun, and the UV index 0.4 s after that."""

    range: Annotated[Range, "auto, or one for ever: room to 8700 lx, sun in steps of 0.6 lx"] = "auto"


def convert(als: bytes, uvs: bytes, *, light: ranges.Setting, uv: ranges.Setting = ranges.UVS) -> gw.Values:
    """Values of both measurements. Total: values within limits, BadFrame or OverRange."""
    lux = _counts(als, light, "light") * light.lux_per_count
    index = _counts(uvs, uv, "ultraviolet") * uv.index_per_count
    return {"illuminance": lux, "uv_index": gw.within(_UV, index)}


def _counts(frame: bytes, setting: ranges.Setting, what: str) -> int:
    counts = gw.number(frame, 3, byteorder="little", what="data")
    if counts > setting.most_counts:
        raise gw.BadFrame(f"more counts than {setting.bits} bits hold", got=frame)
    if counts == setting.most_counts:
        raise gw.OverRange(f"the {what} is brighter than this range of the chip can measure")
    return counts


class Ltr390:
    """One chip. It stands by between measurements."""

    def __init__(self, options: Options) -> None:
        """Begin in the brighter range, which is the quicker one; nothing is sent yet."""
        self._is_fixed = options.range != "auto"
        self._at = ranges.NAMES.index(options.range) if self._is_fixed else ranges.NAMES.index("sun")

    def identify(self) -> gw.Identifying:
        """Check the part number."""
        answer = yield READ_PART_ID
        if answer[0] & 0xF0 != PART_NUMBER:
            raise gw.WrongChip("part id, register 06", expected="Bx", got=answer)
        return gw.Identity(part=f"LTR-390UV revision {answer[0] & 0x0F}", channels=("illuminance", "uv_index"))

    def setup(self) -> gw.Preparing:
        """Stand by: each measurement sets what it needs. A software reset would upset the bus (Adafruit's driver)."""
        yield STANDBY

    def measure(self) -> gw.Measuring:
        """Measure the light, in another range where it does not suit this one, and then the ultraviolet."""
        als = yield from gw.suited(ranges.SPANS, self._at, self._light, is_fixed=self._is_fixed)
        uvs = yield from _measured(ranges.UVS, MEASURE_UVS, READ_UVS_DATA)
        return convert(als, uvs, light=ranges.SETTINGS[self._at])

    def _light(self, place: int) -> gw.Ranged[bytes]:
        self._at, setting = place, ranges.SETTINGS[place]
        als = yield from _measured(setting, MEASURE_ALS, READ_ALS_DATA)
        return als, setting.level(als)


def _measured(setting: ranges.Setting, start: gw.Write, read: gw.WriteRead) -> Generator[gw.Operation, bytes, bytes]:
    """One measurement from standby to standby."""
    code, milliseconds = ranges.RESOLUTIONS[setting.bits]
    yield STANDBY
    settings = bytes((code << 4, ranges.GAINS[setting.gain]))
    yield gw.Write(bytes((MEAS_RATE, settings[0])))
    yield gw.Write(bytes((GAIN, settings[1])))
    yield READ_MAIN_STATUS  # clears what an earlier measurement left
    yield start
    yield gw.Wait(WAKE_UP_S + milliseconds / 1000)
    pause = gw.Wait(milliseconds / 2000 / POLLS)
    yield from gw.until(READ_MAIN_STATUS, _is_ready, pause=pause, tries=POLLS, otherwise="the chip has no new data")
    frame = yield read
    # After power-on it has other settings: another scale, and no measurement at all.
    if (yield READ_SETTINGS) != settings:
        raise gw.NotReady("the chip has lost its settings: it lost power")
    yield STANDBY
    return frame


def _is_ready(status: bytes) -> bool:
    if status[0] & RESERVED_STATUS:
        raise gw.BadFrame("status with reserved bits", got=status)
    return bool(status[0] & DATA_STATUS)


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: light, ultraviolet. Options: gain and bits of each."""
    light, uv = (ranges.Setting(gain=gain, bits=bits) for gain, bits in (vector.options["light"], vector.options["uv"]))
    return convert(*vector.frames, light=light, uv=uv)


_SWIFT = "madmachineio/MadDrivers Tests/LTR390Tests/LTR390Tests.swift, testReadLux and testReadUVI"

VECTORS = tuple(
    gw.vector("ltr390", als, uvs, illuminance=lux, uv_index=index, tolerance=0.1, source=_SWIFT, options=settings)
    for als, uvs, settings, lux, index in (
        ("ff 00 00", "f5 00 00", {"light": (3, 16), "uv": (3, 16)}, 204, 10.2),
        ("61 80 00", "a6 34 00", {"light": (3, 16), "uv": (18, 20)}, 26_292, 5.86),
    )
)

SPEC = gw.DriverSpec(
    name="ltr390",
    summary="Lite-On LTR-390UV: illuminance, UV index",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Ltr390(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(with_data=WRITABLE),
)
