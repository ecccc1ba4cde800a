"""Thermometers on 1-wire, by way of the kernel's driver w1_therm: DS18B20 and its family.

Datasheets: Maxim DS18B20 (19-7487), DS18S20 (19-5474). Kernel: Documentation/w1/slaves/w1_therm.rst and
drivers/w1/slaves/w1_therm.c. A device is told by its 64-bit number, whose first byte is the family.

The file w1_slave, whose reading makes the chip measure (750 ms at 12 bits)::

    a3 01 4b 46 7f ff 0d 10 ce : crc=ce YES
    a3 01 4b 46 7f ff 0d 10 ce t=26187

First the scratchpad, nine bytes: temperature (low byte first), TH, TL, configuration, reserved, count remain, count per
°C, checksum. The file ``temperature`` holds t alone and no checksum, so it is not read. The file is empty where no
checksum was right in several tries. ``therm_bulk_read`` is not used: it takes root to write it, and leaves old values
behind for whoever reads next; the kernel lets thermometers with a supply measure at the same time anyway.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

import sensor_gateway.driver as gw

# Families that w1_therm knows (w1_therm.rst).
FAMILIES: Final = {"ds18b20": "28", "ds18s20": "10", "ds1822": "22", "ds1825": "3b", "ds28ea00": "42"}
DS18B20, DS18S20 = FAMILIES["ds18b20"], FAMILIES["ds18s20"]
GX20MH01: Final = 0x80  # the bit of the configuration that a part from GXCAS, sold as DS18B20, has set

CHANNEL: Final = gw.Channel(quantity=gw.TEMPERATURE, low=-55, high=125, resolution=0.0625, deadband=0.1)
ID: Final = re.compile(r"([0-9a-f]{2})-[0-9a-f]{12}")
W1_SLAVE: Final = re.compile(
    rb"((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)\n(?:[0-9a-f]{2} ){9}t=(-?\d{1,7})\s*", re.ASCII
)

VARIANTS: Final = {
    name: gw.Variant(channels=(CHANNEL,), part=f"{name.upper()}, family {family}", has_identity=True)
    for name, family in FAMILIES.items()
}


def _family(number: str) -> str:
    """The family of a thermometer's number; empty for anything else."""
    found = ID.fullmatch(number)
    return found[1] if found and found[1] in FAMILIES.values() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which thermometer."""

    id: Annotated[
        str,
        "Its number, like 28-0316a2794cff (`ls /sys/bus/w1/devices`); may be left out where it is the only one.",
    ] = ""

    def __post_init__(self) -> None:
        """Refuse what is no number of a thermometer (ValueError)."""
        if not self.id or _family(self.id):
            return
        if _family(self.id.lower()):
            raise ValueError(f"id: did you mean {self.id.lower()}? (lower case, as the kernel writes it)")
        if _family(f"28-{self.id.lower()}"):
            raise ValueError(f"id: did you mean 28-{self.id.lower()}? (28- in front is the family of a DS18B20)")
        raise ValueError(
            f"id {self.id[:40]} is none of a thermometer: expected one like 28-0316a2794cff, "
            "as `ls /sys/bus/w1/devices` shows it"
        )


def convert(text: bytes, family: str) -> gw.Values:
    """Temperature of one reading of w1_slave. Total: a value within limits, BadFrame, OverRange or NoAnswer."""
    if not text.strip():
        raise gw.NoAnswer("the kernel got no valid answer from the thermometer; check its wires and its supply")
    found = W1_SLAVE.fullmatch(text)
    if found is None:
        raise gw.BadFrame("w1_slave is not what the kernel writes", expected="two lines", got=f"{text[:100]!r}")
    scratchpad = bytes.fromhex(found[1].decode("ascii"))
    check = gw.crc8_maxim(scratchpad[:8])
    if found[2] != b"YES" or check != scratchpad[8]:
        raise gw.BadFrame("checksum of the scratchpad", expected=f"{check:02x}", got=f"{scratchpad[8]:02x}")
    if not any(scratchpad):
        # Its checksum is right, by nature: a short to ground reads as 0 °C.
        raise gw.BadFrame("the scratchpad is all zeros: the data line is held low; check the wires")
    celsius = _celsius(scratchpad, family)
    if abs(celsius * 1000 - int(found[3])) > 1:
        raise gw.BadFrame("the kernel's temperature", expected=f"t={celsius * 1000:.0f}", got=f"t={found[3].decode()}")
    if not CHANNEL.low <= celsius <= CHANNEL.high:
        raise gw.OverRange(
            f"temperature of {celsius:g} °C is none that the chip can measure; its supply may be too weak"
        )
    return {"temperature": celsius}


def _raw(scratchpad: bytes) -> int:
    return int.from_bytes(scratchpad[:2], "little", signed=True)


def _celsius(scratchpad: bytes, family: str) -> float:
    if family == DS18S20:
        return _ds18s20(scratchpad)
    if family == DS18B20 and scratchpad[4] & GX20MH01:
        # 64ths of a °C, the last two bits beside the configuration (w1_therm.c, w1_DS18B20_convert_temp).
        return (_raw(scratchpad) << 2 | scratchpad[4] & 3) / 64
    return _raw(scratchpad) / 16


def _ds18s20(scratchpad: bytes) -> float:
    """Finer than its 0.5 °C, by what the counter had left (DS18S20 datasheet, equation 1)."""
    remain, per_degree = scratchpad[6], scratchpad[7]
    if not per_degree:
        raise gw.BadFrame("count per °C of a DS18S20", expected="10", got="00")
    return (_raw(scratchpad) >> 1) - 0.25 + (per_degree - remain) / per_degree


class Ds18b20:
    """One thermometer."""

    def __init__(self, variant: str, options: Options) -> None:
        """Nothing is read yet."""
        self._variant = variant
        self._family = FAMILIES[variant]
        device = gw.KernelDevice(kind="w1", name=options.id or f"{self._family}-*")
        self._read_name = gw.ReadFile(device, "name")
        self._read = gw.ReadFile(device, "w1_slave")

    def identify(self) -> gw.Identifying:
        """Ask the kernel who it is: the number was checked when it was found on the bus."""
        text = yield self._read_name
        found = ID.fullmatch(text.decode("ascii", "replace").strip())
        if found is None:
            raise gw.BadFrame("name of a device on 1-wire", expected="like 28-0316a2794cff", got=f"{text[:40]!r}")
        if found[1] != self._family:
            right = next((name for name, family in FAMILIES.items() if family == found[1]), "another driver")
            raise gw.WrongChip(f"family on 1-wire (`driver: {right}`)", expected=self._family, got=found[1])
        return gw.Identity(part=f"{self._variant.upper()} {found[0]}", channels=("temperature",))

    def setup(self) -> gw.Preparing:
        """Nothing: the resolution is the chip's own."""
        yield from ()

    def measure(self) -> gw.Measuring:
        """Let the kernel have it measured."""
        return convert((yield self._read), self._family)


def check_variant(variant: str, options: Options) -> tuple[str, ...]:
    """What is wrong with a number that is another chip's."""
    right = next((name for name, family in FAMILIES.items() if options.id.startswith(f"{family}-")), variant)
    return () if right == variant else (f"id: {options.id} is a {right.upper()}: write `driver: {right}`",)


def _vector(scratchpad: str, millis: int, source: str, variant: str = "ds18b20") -> gw.Vector:
    text = f"{scratchpad} : crc={scratchpad[-2:]} YES\n{scratchpad} t={millis}\n"
    return gw.Vector(
        variant=variant,
        frames=(text.encode("ascii"),),
        values={"temperature": millis / 1000},
        source=source,
        tolerance=1e-3,  # the kernel cuts thousandths off
    )


_TANKS = "comment in a tank controller's C source: three times w1_slave of 28-0416927dcdff, whose byte 6 never changes"

VECTORS: Final = (
    _vector("a3 01 4b 46 7f ff 0d 10 ce", 26187, "SunFounder's lessons for the Raspberry Pi, DS18B20: 28-00000495db35"),
    _vector("a5 01 4b 46 7f ff 0b 10 f7", 26312, "wirenboard/wb-mqtt-w1, test/fake_sensors/1_sensor: 28-00000a013d97"),
    _vector("01 01 4b 46 7f ff 0f 10 e3", 16062, "gist.github.com/Aupajo/22454458b768bfed7c11: 28-000005305b33"),
    _vector("d2 00 4b 46 7f ff 0c 10 c1", 13125, _TANKS),
    _vector("ea ff 4b 46 7f ff 0c 10 11", -1375, _TANKS),
    _vector("50 05 4b 46 7f ff 0c 10 1c", 85000, "linux-kernel, b1093de5-9f62-6714-0063-7c719dc4f6ca: no measurement"),
    _vector(
        "33 00 4b 46 ff ff 02 10 f4", 25625, "a German lesson on 1-wire at the Raspberry Pi: 10-000802cfb15d", "ds18s20"
    ),
    _vector("2d 00 4b 46 ff ff 03 10 dd", 22562, "a Python logger's tests, TestDS18x20.valid", "ds18s20"),
)

SPEC: Final = gw.DriverSpec(
    name="ds18b20",
    summary="Maxim DS18B20 and its family on 1-wire: temperature, by way of the kernel",
    bus=gw.BusKind.SYSFS,
    variants=VARIANTS,
    create=lambda variant, options, _address: Ds18b20(variant, options),
    # Frame: the content of w1_slave.
    replay=lambda vector: convert(vector.frames[0], FAMILIES[vector.variant]),
    vectors=VECTORS,
    options=Options,
    check_variant=check_variant,
    # Before the first conversion (DS18B20 datasheet, figure 9, and DS18S20, figure 8). Byte 6 does not tell it from a
    # measured 85 °C: there are chips in which it never changes.
    power_on={"temperature": 85.0},
)
