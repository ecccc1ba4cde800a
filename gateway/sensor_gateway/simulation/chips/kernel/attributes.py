"""A device of hwmon or IIO: one number in each file, in the unit that the kernel's ABI gives to its name.

Documentation/hwmon/sysfs-interface.rst and Documentation/ABI/testing/sysfs-bus-iio. The files are those that the
configuration reads; a raw value has a scale beside it, and a temperature an offset too.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sensor_gateway.model.errors import FileMissing
from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.simulation.chips.chip import Course, Mounting

READ_S: Final = 0.002
"""What an I2C chip behind it takes."""

# How much of the kernel's unit one of ours is: °C, %, V, A, W, kWh; hPa, lx, ppm, mm.
MILLI: Final = 1e3
HWMON: Final = {"power": 1e6, "energy": 3.6e12, "fan": 1.0, "freq": 1.0}
IIO: Final = {
    **dict.fromkeys(("temp", "humidityrelative", "voltage", "current", "power"), MILLI),
    "pressure": 0.1,  # kPa
    "distance": 1e-3,  # m
    "energy": 3.6e6,  # J
    "electricalconductivity": 1e-4,  # S/m
    "concentration_co2": 1e-4,  # %
}
SCALES: Final = {"temp": "10.000000000", "concentration_co2": "0.000100000", "illuminance": "0.833333000"}
OFFSET: Final = -5000
_FILE: Final = re.compile(r"in_([a-z]+)\d*((?:_[a-z0-9]+)*)_(input|raw)")
_ATTRIBUTE: Final = re.compile(r"([a-z]+)\d+_[a-z]+")


class Attributes:
    """One device with the files that are read of it."""

    def __init__(self, mounting: Mounting) -> None:
        """With the name and the place that the configuration gives."""
        options: Any = mounting.options  # a driver's own type
        self._chip: str = options.chip
        self._path: str = options.path
        self._files: dict[str, Course] = {file: mounting.courses[name] for name, file in options.files.items()}

    def fits(self, device: KernelDevice) -> bool:
        """By what the configuration says of it."""
        return device.kind != "w1" and (device.name, device.path) == (self._chip, self._path)

    def read(self, file: str, now_s: float) -> tuple[float, bytes]:
        """The number in a file, as text."""
        if file == "name":
            return 0.0, f"{self._chip.replace('*', '0') or 'simulated'}\n".encode()
        text = self._text(file, now_s)
        if text is None:
            raise FileMissing(f"{self._chip or self._path} has no file {file}")
        return READ_S, f"{text}\n".encode()

    def _text(self, file: str, now_s: float) -> str | None:
        course = self._files.get(file)
        if course is not None:
            return _written(file, course(now_s))
        base, _, last = file.rpartition("_")
        if f"{base}_raw" not in self._files:
            return None
        kind = _kind(f"{base}_raw")
        if last == "scale":
            return SCALES.get(kind, "0.001000000")
        return str(OFFSET) if last == "offset" and kind == "temp" else None


def _kind(file: str) -> str:
    found = _FILE.fullmatch(file)
    if found is None:
        return ""
    longer = f"{found[1]}{found[2]}"
    return longer if longer in IIO else found[1]


def _written(file: str, value: float) -> str:
    kind = _kind(file)
    if not kind:
        found = _ATTRIBUTE.fullmatch(file)
        return str(round(value * HWMON.get(found[1] if found else "", MILLI)))
    inside = value * IIO.get(kind, 1.0)
    if file.endswith("_raw"):
        return str(round(inside / float(SCALES.get(kind, "0.001"))) - (OFFSET if kind == "temp" else 0))
    return str(round(inside)) if IIO.get(kind) == MILLI else f"{inside:.9f}"
