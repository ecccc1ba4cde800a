"""The devices that the kernel measures with: hwmon, IIO and 1-wire, as they stand in /sys. Looks, and measures nothing.

A device is told by its name and its place, never by the number in ``hwmon3`` or ``iio:device0``: that is the order in
which they were found, and changes from one start to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, TypeAlias

from sensor_gateway.model.operations import KernelDevice

Kind: TypeAlias = Literal["hwmon", "iio", "w1"]

FOLDERS: Final[dict[Kind, tuple[str, str]]] = {
    "hwmon": ("class/hwmon", "hwmon*"),
    "iio": ("bus/iio/devices", "iio:device*"),
    "w1": ("bus/w1/devices", "[0-9a-f][0-9a-f]-*"),
}
"""Where each kind is listed in /sys."""

_NUMBERED: Final = re.compile(r"hwmon(\d+)?|iio:device\d+")
_OF_W1: Final = "w1_slave_temp"  # w1_therm shows each thermometer as a hwmon device too (drivers/w1/w1.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDevice:
    """One device. ``place`` is where it is in /sys/devices and ``node`` in the device tree ("" for nowhere)."""

    kind: Kind
    name: str
    folder: Path
    place: str
    node: str

    def fits(self, wanted: KernelDevice) -> bool:
        """Whether this may be the device that is meant."""
        names = (self.name, self.name.partition("@")[0])
        return (
            self.kind == wanted.kind
            and (not wanted.name or any(fnmatchcase(name, wanted.name) for name in names))
            and (not wanted.path or any(_holds(place, wanted.path) for place in (self.place, self.node)))
        )

    def __str__(self) -> str:
        """As the operator would look for it."""
        return self.name if self.kind == "w1" else f"{self.name} ({self.place or self.folder.name})"


def devices(sysfs: Path = Path("/sys")) -> tuple[FoundDevice, ...]:
    """All devices below ``sysfs``, those of one kind together. A thermometer on 1-wire is listed as that alone."""
    found = [device for kind in FOLDERS for device in devices_of(kind, sysfs)]
    return tuple(device for device in found if device.kind != "hwmon" or device.name != _OF_W1)


def devices_of(kind: Kind, sysfs: Path) -> Iterator[FoundDevice]:
    """The devices of one kind, in the order of their numbers."""
    folder, pattern = FOLDERS[kind]
    for path in sorted((sysfs / folder).glob(pattern), key=lambda path: (len(path.name), path.name)):
        name = path.name if kind == "w1" else _text(path / "name") or _text(path / "device" / "name")
        if name:
            yield FoundDevice(kind=kind, name=name, folder=path, place=_place(path, sysfs), node=_node(path, sysfs))


def has_one_wire(sysfs: Path) -> bool:
    """Whether the kernel drives any 1-wire bus."""
    return any((sysfs / FOLDERS["w1"][0]).glob("w1_bus_master*"))


def inputs(device: FoundDevice) -> tuple[str, ...]:
    """The files of a device that hold measured values."""
    if device.kind == "w1":
        return tuple(name for name in ("w1_slave",) if (device.folder / name).exists())
    pattern = "*_input" if device.kind == "hwmon" else "in_*"
    names = sorted(path.name for path in device.folder.glob(pattern))
    measured = [name for name in names if name.endswith("_input")]
    raw = [name for name in names if name.endswith("_raw") and f"{name[:-4]}_input" not in measured]
    return (*measured, *raw)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _place(folder: Path, sysfs: Path) -> str:
    """The path below /sys/devices, without its end where that is a mere number."""
    parts = _below(folder, sysfs / "devices")
    while parts and _NUMBERED.fullmatch(parts[-1]):
        parts = parts[:-1]
    return "/".join(parts)


def _node(folder: Path, sysfs: Path) -> str:
    for link in (folder / "of_node", folder / "device" / "of_node"):
        parts = _below(link, sysfs / "firmware" / "devicetree" / "base")
        if parts:
            return "/".join(parts)
    return ""


def _below(path: Path, top: Path) -> tuple[str, ...]:
    try:
        return path.resolve(strict=True).relative_to(top.resolve()).parts
    except (OSError, ValueError, RuntimeError):
        return ()


def _holds(place: str, wanted: str) -> bool:
    """Whether ``wanted`` is a run of whole parts of ``place``, and holds more than a number that changes."""
    parts = [part for part in wanted.removeprefix("/sys/devices").split("/") if part]
    return f"/{'/'.join(parts)}/" in f"/{place}/" if parts else False
