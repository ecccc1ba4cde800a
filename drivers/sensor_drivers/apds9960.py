"""Broadcom APDS-9960 on I2C: the light's clear, red, green and blue shares, as counts. It has no formula for lux.

Datasheet: Broadcom (Avago) AV02-4191EN (cited below by its registers). Address 39. No checksum.

The answer, registers 94 to 9B, words low byte first::

    byte    94     95      96     97      98       99      9A      9B
            clear          red            green            blue
            7..0   15..8   7..0   15..8   7..0     15..8   7..0    15..8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

ATIME, CONTROL = 0x81, 0x8F
POWER_ON, POWER_ON_AND_MEASURE = gw.Write(b"\x80\x01"), gw.Write(b"\x80\x03")  # ENABLE: PON, AEN
READ_ID = gw.WriteRead(b"\x92", 1)
READ_STATUS = gw.WriteRead(b"\x93", 1)
READ_RGBC = gw.WriteRead(b"\x94", 8)
READ_ATIME = gw.WriteRead(b"\x81", 1)  # FF after power-on, which no integration time of ours is
# IFORCE, PICLEAR, CICLEAR, AICLEAR
SPECIAL_FUNCTIONS = b"\xe4\xe5\xe6\xe7"
WRITABLE = bytes((*range(0x80, 0x91), *range(0x9D, 0xAC)))
DEVICE_IDS = (0xAB, 0xA8, 0x9C)  # the datasheet knows AB; Adafruit has met A8, ESPHome 9C too
AVALID, CPSAT = 0x01, 0x80  # a cycle has ended since AEN was set; the clear photodiode was at its end meanwhile

Gain: TypeAlias = Literal[1, 4, 16, 64]
AGAIN = {1: 0, 4: 1, 16: 2, 64: 3}
Integration: TypeAlias = Literal["28ms", "103ms", "178ms", "712ms"]
CYCLES = {"28ms": 10, "103ms": 37, "178ms": 64, "712ms": 256}  # of 2.78 ms; ATIME is 256 less so many
CYCLE_S, WAKE_UP_S = 0.00278, 0.007  # the first is a typical time: the end is asked for
POLLS = 10

MOST = 65_534
NAMES = ("clear", "red", "green", "blue")

CHANNELS = tuple(
    gw.Channel(name=name, quantity=gw.other("counts"), low=0, high=MOST, resolution=1, deadband=10) for name in NAMES
)

WIRE_BITS = 5 * gw.wire_bits(POWER_ON) + gw.wire_bits(READ_STATUS, READ_RGBC, READ_ATIME)  # five registers are written
VARIANTS = {
    "apds9960": gw.Variant(
        addresses=(0x39,), channels=CHANNELS, wire_bits=WIRE_BITS, part="APDS-9960", has_identity=True
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. Both are kept: counts of another gain or time would be others."""

    gain: Annotated[Gain, "more sees less light, and saturates sooner"] = 4
    integration: Annotated[Integration, "longer sees less light, and saturates sooner up to 178ms"] = "103ms"


def most_counts(integration: str) -> int:
    """Where the converter ends (ALS Integration Time register)."""
    return min(0xFFFF, 1024 * CYCLES[integration] + 1)


def convert(status: bytes, rgbc: bytes, *, integration: str) -> gw.Values:
    """Counts of one answer. Total: values within limits, BadFrame or OverRange."""
    flags, counts = gw.number(status, 1, what="status"), gw.numbers(rgbc, "<4H")
    if flags & CPSAT or max(counts) >= most_counts(integration):
        raise gw.OverRange("the light is brighter than this gain and integration time can measure")
    return dict(zip(NAMES, map(float, counts), strict=True))


class Apds9960:
    """One chip. It is idle between measurements; what it can do with gestures stays off."""

    def __init__(self, options: Options) -> None:
        """Work out registers and time; nothing is sent yet."""
        cycles = CYCLES[options.integration]
        self._integration = options.integration
        self._set_time = gw.Write(bytes((ATIME, 256 - cycles)))
        self._set_gain = gw.Write(bytes((CONTROL, AGAIN[options.gain])))
        self._duration = gw.Wait(WAKE_UP_S + cycles * CYCLE_S)
        self._pause = gw.Wait(cycles * CYCLE_S / 2 / POLLS)

    def identify(self) -> gw.Identifying:
        """Check the id."""
        answer = yield READ_ID
        if answer[0] not in DEVICE_IDS:
            raise gw.WrongChip("id register 92", expected="ab, a8 or 9c", got=answer)
        return gw.Identity(part=f"APDS-9960, id {answer.hex()}", channels=NAMES)

    def setup(self) -> gw.Preparing:
        """End what another program began: each measurement sets what it needs."""
        yield POWER_ON

    def measure(self) -> gw.Measuring:
        """Measure once, from AEN to AEN: while it is off, all four words stay those of one cycle."""
        yield POWER_ON
        yield self._set_time
        yield self._set_gain
        yield POWER_ON_AND_MEASURE
        yield self._duration
        status = yield from gw.until(
            READ_STATUS, _is_ready, pause=self._pause, tries=POLLS, otherwise="the chip still measures"
        )
        yield POWER_ON
        rgbc = yield READ_RGBC
        if (yield READ_ATIME) != self._set_time.data[1:]:
            raise gw.NotReady("the chip has lost its integration time: it lost power")
        return convert(status, rgbc, integration=self._integration)


def _is_ready(status: bytes) -> bool:
    return bool(status[0] & AVALID)


def _vector(rgbc: str, counts: tuple[int, int, int, int], source: str) -> gw.Vector:
    values = dict(zip(NAMES, counts, strict=True))
    return gw.vector("apds9960", bytes((AVALID,)), rgbc, source=source, options={"integration": "712ms"}, **values)


_ELDRUIN = "eldruin/apds9960-rs tests/light.rs, read_rgbc"
_SWIFT = "madmachineio/MadDrivers Tests/APDS9960Tests/APDS9960Tests.swift, testReadColor"

VECTORS = (
    _vector("34 12 56 34 78 56 9a 78", (0x1234, 0x3456, 0x5678, 0x789A), _ELDRUIN),
    _vector("70 22 c8 a0 78 0a 2d fa", (8816, 41_160, 2680, 64_045), _SWIFT),
)

SPEC = gw.DriverSpec(
    name="apds9960",
    summary="Broadcom APDS-9960: clear, red, green and blue light in counts",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Apds9960(options),
    # Frames: status, answer. Option: the integration time.
    replay=lambda vector: convert(*vector.frames, **vector.options),
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(alone=SPECIAL_FUNCTIONS, with_data=WRITABLE),
)
