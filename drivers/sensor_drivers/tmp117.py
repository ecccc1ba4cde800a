"""TI TMP116, TMP117 and TMP119 on I2C: temperature.

Datasheets: TI SBOS740A (TMP116), SNOSD82D (TMP117, sections cited below), SNIS236 (TMP119). Addresses 48 to 4B
(pin ADD0). No checksum.

The answer, the temperature result register 00 (section 7.6.2), two's complement in steps of 1/128 °C::

    byte    0                           1
            sign and 7 bits of 256 .. 2 1 and 7 bits of fraction
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Registers (section 7.6).
READ_TEMP_RESULT = gw.WriteRead(b"\x00", 2)
READ_CONFIGURATION = gw.WriteRead(b"\x01", 2)
READ_DEVICE_ID = gw.WriteRead(b"\x0f", 2)
CONFIGURATION = 0x01
DATA_READY = 0x20  # byte 0 of the configuration
SHUTDOWN, ONE_SHOT = 0x0400, 0x0C00  # MOD[1:0]

POWER_ON = b"\x80\x00"  # -256 °C until the first conversion is complete
CONVERSION_S = 0.0175  # "active conversion time", maximum (section 6.5); averaging takes so many of them
POLL_PAUSE = gw.Wait(0.005)
POLLS = 10

Averages: TypeAlias = Literal[1, 8, 32, 64]
AVG: dict[int, int] = {1: 0, 8: 1, 32: 2, 64: 3}  # AVG[1:0], bits 6 and 5

# Device id register 0F: a revision in the upper 4 bits, which are all that tells a TMP119 from a TMP117.
IDS = {"tmp116": 0x1116, "tmp117": 0x0117, "tmp119": 0x2117}
DEVICE_ID, TMP119_REVISION = 0x0FFF, 2


def _configured(word: int) -> gw.Write:
    return gw.Write(bytes((CONFIGURATION, word >> 8, word & 0xFF)))


def _variant(part: str, high: float) -> gw.Variant:
    channel = gw.Channel(quantity=gw.TEMPERATURE, low=-55, high=high, resolution=0.0078125, deadband=0.05)
    bits = gw.wire_bits(_configured(ONE_SHOT), READ_CONFIGURATION, READ_TEMP_RESULT)
    addresses = (0x48, 0x49, 0x4A, 0x4B)
    return gw.Variant(addresses=addresses, channels=(channel,), wire_bits=bits, part=part, has_identity=True)


VARIANTS = {
    "tmp117": _variant("TMP117", 150),
    "tmp116": _variant("TMP116", 125),
    "tmp119": _variant("TMP119", 150),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    averages: Annotated[Averages, "conversions that make one value: more are less noise, and 17.5 ms each"] = 8


def convert(frame: bytes, *, variant: str = "tmp117") -> gw.Values:
    """Temperature of one register value. Total: a value within limits, or an error."""
    steps = gw.number(frame, 2, signed=True, what="temperature register")
    if frame == POWER_ON:
        raise gw.NotReady("the temperature register holds its reset value: nothing was measured since power-on")
    (channel,) = VARIANTS[variant].channels
    return {"temperature": gw.within(channel, steps / 128)}


def part_of(device_id: int) -> str | None:
    """Which part has this device id, as users write it; None for strangers."""
    if device_id & DEVICE_ID == IDS["tmp116"] & DEVICE_ID:
        return "tmp116"
    if device_id & DEVICE_ID == IDS["tmp117"] & DEVICE_ID:
        return "tmp119" if device_id >> 12 == TMP119_REVISION else "tmp117"
    return None


class Tmp117:
    """One chip. It is shut down between measurements."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out command and time; nothing is sent yet."""
        self._variant = variant
        averaging = AVG[options.averages] << 5
        self._shut_down = _configured(SHUTDOWN | averaging)
        self._one_shot = _configured(ONE_SHOT | averaging)
        self._duration = gw.Wait(options.averages * CONVERSION_S)

    def identify(self) -> gw.Identifying:
        """Check the device id."""
        answer = yield READ_DEVICE_ID
        if part_of(int.from_bytes(answer, "big")) != self._variant:
            expected = f"{IDS[self._variant]:04x} ({VARIANTS[self._variant].part})"
            raise gw.WrongChip("device id, register 0F", expected=expected, got=answer)
        return gw.Identity(part=VARIANTS[self._variant].part, channels=("temperature",))

    def setup(self) -> gw.Preparing:
        """End the continuous conversion of a chip that was just powered."""
        yield self._shut_down

    def measure(self) -> gw.Measuring:
        """Convert once, see that it is done, and read."""
        yield self._one_shot
        yield self._duration
        yield from gw.until(READ_CONFIGURATION, _is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="no value")
        return convert((yield READ_TEMP_RESULT), variant=self._variant)


def _is_ready(configuration: bytes) -> bool:
    if configuration == b"\xff\xff":  # Soft_Reset and bit 0 always read as 0
        raise gw.BadFrame("configuration of a wire that nobody pulls down", got=configuration)
    return bool(configuration[0] & DATA_READY)


_TABLE = {"f3 80": -25, "ff f0": -0.125, "ff ff": -0.0078125, "00 00": 0, "00 01": 0.0078125, "00 10": 0.125}
_TABLE |= {"00 80": 1, "0c 80": 25, "32 00": 100}
_C_CODE = {"0c 40": 24.5, "0c 80": 25}

VECTORS = (
    *gw.vectors("tmp117", "TI SNOSD82D, table 7-1", temperature=_TABLE),
    *gw.vectors("tmp116", "TI SBOS740A, table 1", temperature=_TABLE),
    *gw.vectors("tmp119", "TI SNIS236, section 8.1.1, C code example", temperature=_C_CODE),
)

SPEC = gw.DriverSpec(
    name="tmp117",
    summary="TI TMP116, TMP117, TMP119: temperature",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Tmp117(variant, options),
    # Frame: the temperature result register.
    replay=lambda vector: convert(*vector.frames, variant=vector.variant),
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(with_data=b"\x01\x02\x03\x04\x05\x06\x07\x08"),
)
