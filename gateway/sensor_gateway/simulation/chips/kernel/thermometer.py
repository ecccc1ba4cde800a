"""Thermometers on 1-wire behind the kernel's w1_therm: DS18B20 and its family.

Datasheets: Maxim DS18B20 (19-7487) and DS18S20 (19-5474). The kernel starts a conversion for each read of w1_slave,
waits for it, and writes the scratchpad twice, with its own arithmetic behind t= (drivers/w1/slaves/w1_therm.c).

scratchpad: | temperature lsb | msb | TH | TL | configuration | FF | count remain | count per °C | crc |
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any, Final

from sensor_gateway.model.checksums import crc8_maxim
from sensor_gateway.model.errors import FileMissing
from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.simulation.chips.chip import Mounting

CONVERSION_S: Final = 0.75  # DS18B20, "Operation - measuring temperature", 12 bits
FAMILIES: Final = {"ds18b20": 0x28, "ds18s20": 0x10, "ds1822": 0x22, "ds1825": 0x3B, "ds28ea00": 0x42}
DS18S20: Final = 0x10
LOWEST: Final = -55.0
HIGHEST: Final = 125.0
PER_DEGREE: Final = 16
POWER_ON: Final = bytes((0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10))
POWER_ON_DS18S20: Final = bytes((0xAA, 0x00, 0x4B, 0x46, 0xFF, 0xFF, 0x0C, 0x10))


class Thermometer:
    """One thermometer. Asked before its power has lasted for a conversion, it shows what it holds from power-on."""

    def __init__(self, mounting: Mounting) -> None:
        """With the number that is configured, or else one of its own."""
        options: Any = mounting.options  # a driver's own type
        self._family = FAMILIES[mounting.variant]
        serial = blake2b(mounting.sensor.encode(), digest_size=6).hexdigest()
        self._number: str = options.id or f"{self._family:02x}-{serial}"
        self._celsius = mounting.courses["temperature"]
        self._powered_s = mounting.powered_s

    def fits(self, device: KernelDevice) -> bool:
        """By its number."""
        return device.kind == "w1" and fnmatchcase(self._number, device.name)

    def read(self, file: str, now_s: float) -> tuple[float, bytes]:
        """The kernel's text, and how long it measures for it. FileMissing for others than name and w1_slave."""
        if file == "name":
            return 0.0, f"{self._number}\n".encode()
        if file != "w1_slave":
            raise FileMissing(f"{self._number} has no file {file}")
        return CONVERSION_S, _text(self._scratchpad(now_s), self._family)

    def _scratchpad(self, now_s: float) -> bytes:
        is_old = self._family == DS18S20
        if now_s - self._powered_s < CONVERSION_S:
            return POWER_ON_DS18S20 if is_old else POWER_ON
        celsius = min(HIGHEST, max(LOWEST, self._celsius(now_s)))
        return _of_ds18s20(celsius) if is_old else _of_ds18b20(celsius)


def _of_ds18b20(celsius: float) -> bytes:
    sixteenths = round(celsius * 16)
    remain = PER_DEGREE - (sixteenths & 0xF)
    return sixteenths.to_bytes(2, "little", signed=True) + bytes((0x4B, 0x46, 0x7F, 0xFF, remain, PER_DEGREE))


def _of_ds18s20(celsius: float) -> bytes:
    """Half degrees, and what the counter had left: T = whole degrees - 0.25 + (per °C - remain) / per °C."""
    whole, sixteenths = divmod(round((celsius + 0.25) * PER_DEGREE), PER_DEGREE)
    halves = whole << 1
    return halves.to_bytes(2, "little", signed=True) + bytes(
        (0x4B, 0x46, 0xFF, 0xFF, PER_DEGREE - sixteenths, PER_DEGREE)
    )


def _text(scratchpad: bytes, family: int) -> bytes:
    crc = crc8_maxim(scratchpad)
    shown = (scratchpad + bytes((crc,))).hex(" ")
    return f"{shown} : crc={crc:02x} YES\n{shown} t={_millis(scratchpad, family)}\n".encode()


def _millis(scratchpad: bytes, family: int) -> int:
    """As the kernel reckons: whole numbers, cut off towards zero."""
    raw = int.from_bytes(scratchpad[:2], "little", signed=True)
    if family != DS18S20:
        return int(raw * 1000 / 16)
    remain, per_degree = scratchpad[6], scratchpad[7]
    return (raw >> 1) * 1000 - 250 + int(1000 * (per_degree - remain) / per_degree)
