"""Analog Devices ADT7410 and ADT7420 on I2C: temperature.

Datasheets: ADT7410 rev A (tables cited below), ADT7420 rev 0. Addresses 48 to 4B (pins A1 A0). No checksum.

The answer, registers 00 and 01 in 16-bit mode, two's complement in steps of 1/128 °C::

    byte    0                           1
            sign and 7 bits of 256 .. 2 1 and 7 bits of fraction

The mode is 13-bit after power-on: then the last three bits are flags.
"""

from __future__ import annotations

import sensor_gateway.driver as gw

# Registers (table 6).
READ_TEMPERATURE = gw.WriteRead(b"\x00", 2)
READ_STATUS = gw.WriteRead(b"\x02", 1)
READ_CONFIGURATION = gw.WriteRead(b"\x03", 1)
READ_ID = gw.WriteRead(b"\x0b", 1)

NOT_RDY = 0x80  # status: low when a result is there; set by a read of the temperature, and by a new mode (table 10)
BITS_16, OURS = 0x80, 0x9F  # configuration (table 11): all that we set but OP_MODE, which ends by itself
SHUT_DOWN = gw.Write(b"\x03\xe0")  # OP_MODE 11, 16 bits
ONE_SHOT = gw.Write(b"\x03\xa0")  # OP_MODE 01, 16 bits
MANUFACTURER, MANUFACTURER_BITS = 0xC8, 0xF8  # id: the other three bits are a revision (table 19)

CONVERSION = gw.Wait(0.240)  # typical, there is no maximum: RDY tells
POLL_PAUSE = gw.Wait(0.02)
POLLS = 10


def _variant(part: str, low: float) -> gw.Variant:
    channel = gw.Channel(quantity=gw.TEMPERATURE, low=low, high=150, resolution=0.0078125, deadband=0.1)
    bits = gw.wire_bits(ONE_SHOT, READ_STATUS, READ_TEMPERATURE, READ_CONFIGURATION)
    addresses = (0x48, 0x49, 0x4A, 0x4B)
    return gw.Variant(addresses=addresses, channels=(channel,), wire_bits=bits, part=part, has_identity=True)


VARIANTS = {"adt7410": _variant("ADT7410", -55), "adt7420": _variant("ADT7420", -40)}


def convert(frame: bytes, *, variant: str = "adt7410") -> gw.Values:
    """Temperature of one register value in 16-bit mode. Total: a value within limits, BadFrame or OverRange."""
    (channel,) = VARIANTS[variant].channels
    return {"temperature": gw.within(channel, gw.number(frame, 2, signed=True, what="temperature registers") / 128)}


class Adt7410:
    """One chip. It is shut down between measurements."""

    def __init__(self, variant: str) -> None:
        """Nothing is sent yet."""
        self._variant = variant

    def identify(self) -> gw.Identifying:
        """Check the manufacturer in the id register. The two parts look alike."""
        answer = yield READ_ID
        if answer[0] & MANUFACTURER_BITS != MANUFACTURER:
            raise gw.WrongChip("id register 0B", expected="c8 to cf", got=answer)
        return gw.Identity(part=VARIANTS[self._variant].part, channels=("temperature",))

    def setup(self) -> gw.Preparing:
        """End the continuous conversion of a chip that was just powered: its first value is a rough one."""
        yield SHUT_DOWN

    def measure(self) -> gw.Measuring:
        """Convert once, see that it is done, and read."""
        yield ONE_SHOT
        yield CONVERSION
        yield from gw.until(READ_STATUS, _is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="no value")
        frame = yield READ_TEMPERATURE
        configuration = yield READ_CONFIGURATION  # after the value, which would be 0 °C if power was lost before it
        if configuration[0] & OURS != BITS_16:
            raise gw.NotReady("the chip is not in 16-bit mode (any more): it lost power")
        return convert(frame, variant=self._variant)


def _is_ready(status: bytes) -> bool:
    return not status[0] & NOT_RDY


# Table 5 shows bits 15 to 3: 1 1100 1001 0000 is E4 80.
_BITS = "datasheet, table 5, 13-bit temperature data format"
_SETPOINTS = "datasheet, table 6, power-on setpoints, which have the temperature's format"

_COLD = {"e4 80": -55, "e7 00": -50, "f3 80": -25, "ff f8": -0.0625}
_WARM = {"00 00": 0, "0c 80": 25, "19 00": 50, "3e 80": 125, "4b 00": 150}

VECTORS = (
    *gw.vectors("adt7410", f"ADT7410 rev A {_BITS}", temperature=_COLD | _WARM),
    *gw.vectors("adt7420", f"ADT7420 rev 0 {_BITS}", temperature={"ec 00": -40, "f3 80": -25, "ff f8": -0.0625}),
    *gw.vectors("adt7420", f"ADT7420 rev 0 {_SETPOINTS}", temperature={"20 00": 64, "05 00": 10, "49 80": 147}),
)

SPEC = gw.DriverSpec(
    name="adt7410",
    summary="Analog Devices ADT7410, ADT7420: temperature",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, _options, _address: Adt7410(variant),
    # Frame: the temperature registers.
    replay=lambda vector: convert(*vector.frames, variant=vector.variant),
    vectors=VECTORS,
    heeds=gw.Heeds(alone=b"\x2f", with_data=b"\x03\x04\x05\x06\x07\x08\x09\x0a\x2f"),
)
