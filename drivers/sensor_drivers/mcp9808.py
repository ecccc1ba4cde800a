"""Microchip MCP9808 on I2C: temperature.

Datasheet: Microchip DS25095A (sections cited below). Addresses 18 to 1F (pins A2 A1 A0). No checksum.

The answer, the ambient temperature register T_A (section 5.1.3)::

    byte    0                                    1
            alert flags (3), sign, 128 .. 16 °C  8 .. 1/16 °C
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw

# Registers (section 5.1, table 5-1).
READ_T_A = gw.WriteRead(b"\x05", 2)
READ_MANUFACTURER_ID = gw.WriteRead(b"\x06", 2)
READ_DEVICE_ID = gw.WriteRead(b"\x07", 2)  # the id, and a revision
MANUFACTURER_ID, DEVICE_ID = b"\x00\x54", 0x04
CONTINUOUS = gw.Write(b"\x01\x00\x00")  # configuration: all bits 0 (section 5.1.1)

Resolution: TypeAlias = Literal["fine", "coarse"]
# Resolution register, and a conversion (section 5.2.4). The datasheet gives typical times only: a third is added.
RESOLUTIONS = {"fine": (gw.Write(b"\x08\x03"), gw.Wait(0.333)), "coarse": (gw.Write(b"\x08\x00"), gw.Wait(0.040))}
# A chip that lost power is at the finest resolution again.
POWER_ON_CONVERSION = RESOLUTIONS["fine"][1]

_T = gw.Channel(quantity=gw.TEMPERATURE, low=-40, high=125, resolution=0.0625, deadband=0.1)

VARIANTS = {
    "mcp9808": gw.Variant(
        addresses=tuple(range(0x18, 0x20)),
        channels=(_T,),
        wire_bits=gw.wire_bits(READ_T_A),
        part="MCP9808",
        has_identity=True,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    resolution: Annotated[Resolution, "fine: 0.0625 °C, 4 conversions a second; coarse: 0.5 °C, 33 of them"] = "fine"


def convert(frame: bytes) -> gw.Values:
    """Temperature of one register value. Total: a value within limits, BadFrame or OverRange."""
    word = gw.number(frame, 2, what="temperature register")
    if word == 0xFFFF:
        raise gw.BadFrame("temperature register of a wire that nobody pulls down", got=frame)
    sixteenths = word & 0x1FFF  # without the alert flags
    if sixteenths & 0x1000:
        sixteenths -= 0x2000
    return {"temperature": gw.within(_T, sixteenths / 16)}


class Mcp9808:
    """One chip. It converts all the time."""

    def __init__(self, options: Options) -> None:
        """Choose the resolution; nothing is sent yet."""
        self._set_resolution, self._conversion = RESOLUTIONS[options.resolution]

    def identify(self) -> gw.Identifying:
        """Check both ids: Microchip's other thermometers have another device id."""
        yield from gw.identified(READ_MANUFACTURER_ID, MANUFACTURER_ID, what="manufacturer id, register 06")
        device = yield READ_DEVICE_ID
        if device[0] != DEVICE_ID:
            raise gw.WrongChip("device id, register 07", expected="04 and a revision", got=device)
        return gw.Identity(part=f"MCP9808, revision {device[1]}", channels=("temperature",))

    def setup(self) -> gw.Preparing:
        """Start converting, and wait for the first value."""
        yield CONTINUOUS
        yield self._set_resolution
        yield self._conversion

    def measure(self) -> gw.Measuring:
        """Read the newest value."""
        values = convert((yield READ_T_A))
        if values["temperature"] == 0:
            # So reads a chip that lost power and has not converted since (table 5-1). A real zero is there again.
            yield POWER_ON_CONVERSION
            values = convert((yield READ_T_A))
        return values


_PERIPH = "periph/devices mcp9808/mcp9808_test.go, "

VECTORS = tuple(
    gw.vector("mcp9808", frame, temperature=value, source=source)
    for frame, value, source in (
        ("00 00", 0, _PERIPH + "TestSense"),
        ("00 a0", 10, _PERIPH + "TestSense"),
        ("1f 60", -10, _PERIPH + "TestSense, which cites pages 24 and 25 of the datasheet"),
        ("00 10", 1, _PERIPH + "TestSenseWithAlerts"),
        ("3f f0", -1, _PERIPH + "TestSenseWithAlerts: below the lower limit"),
        ("40 70", 7, _PERIPH + "TestSenseWithAlerts: above the upper limit"),
        ("c0 f0", 15, _PERIPH + "TestSenseWithAlerts: above the upper limit and critical"),
    )
)

SPEC = gw.DriverSpec(
    name="mcp9808",
    summary="Microchip MCP9808: temperature",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda _variant, options, _address: Mcp9808(options),
    # Frame: the ambient temperature register.
    replay=lambda vector: convert(*vector.frames),
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(with_data=b"\x01\x02\x03\x04\x08"),
)
