"""The door to the files in which the kernel shows what it measures. Nothing else here opens them.

A device's directory is held open from its first read to its first error: what is read belongs to that very device,
also when the kernel gives its number to another one meanwhile.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sensor_gateway.model.errors import (
    BusMissing,
    BusRefused,
    DeviceMissing,
    FileMissing,
    Nack,
    NoAnswer,
    WireError,
)
from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.sensing.errnos import named
from sensor_gateway.sensing.sysfs.devices import FoundDevice, devices_of, has_one_wire

LONGEST_FILE: Final = 4096
"""The kernel gives no more: one page."""

_MOST_LISTED: Final = 8
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ONE_WIRE: Final = (
    "the kernel drives no 1-wire bus: on a Raspberry Pi write `dtoverlay=w1-gpio` into /boot/firmware/config.txt "
    "(data on GPIO 4), and restart it"
)

_MEANINGS: Final[Mapping[int, tuple[type[WireError], str]]] = MappingProxyType(
    {
        errno.EREMOTEIO: (Nack, "the chip does not acknowledge"),
        errno.ENXIO: (Nack, "the chip does not acknowledge"),
        errno.ETIMEDOUT: (NoAnswer, "the chip does not answer in time"),
        errno.EAGAIN: (NoAnswer, "the kernel has no value yet"),
        errno.ENODATA: (NoAnswer, "the chip has no value, or is switched off"),
        errno.EBUSY: (NoAnswer, "something else uses the device: another program reads its buffer"),
        errno.EINVAL: (NoAnswer, "the kernel's driver has no value"),
        errno.EACCES: (BusRefused, "this user may not read it; `chmod a+r` it with a udev rule"),
        errno.EPERM: (BusRefused, "this user may not read it; `chmod a+r` it with a udev rule"),
    }
)


class KernelFiles:
    """The devices of this computer's kernel. One thread reads; a read takes as long as the kernel does."""

    def __init__(self, name: str, *, sysfs: Path = Path("/sys")) -> None:
        """Nothing is opened yet."""
        self.name = name
        self._sysfs = sysfs
        self._is_open = False
        self._held: dict[KernelDevice, int] = {}

    def open(self) -> None:
        """Be ready. BusMissing where there is no /sys."""
        if not self._sysfs.is_dir():
            raise BusMissing(f"{self._sysfs} is not there: the kernel's devices cannot be read (is it mounted?)")
        self._is_open = True

    def close(self) -> None:
        """Let go of all devices."""
        self._is_open = False
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def read_file(self, device: KernelDevice, name: str) -> bytes:
        """The content of a file of the device, up to 4096 bytes. Raises WireError and its kinds."""
        if not self._is_open:
            raise BusMissing(f"{self.name} is not open")
        if not _FILE.fullmatch(name):
            raise FileMissing(f"{name!r:.100} is no name of a file")
        folder = self._held.get(device)
        if folder is None:
            folder = self._held[device] = self._folder(device)
        try:
            return _content(name, folder)
        except OSError as error:
            raise self._failed(device, name, error) from error

    def _folder(self, device: KernelDevice) -> int:
        found = self._found(device)
        try:
            return os.open(found.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise DeviceMissing(f"{found} cannot be opened ({named(error.errno)})") from error

    def _found(self, device: KernelDevice) -> FoundDevice:
        there = list(devices_of(device.kind, self._sysfs))
        fitting = [found for found in there if found.fits(device)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            what = "write the `id:` of one" if device.kind == "w1" else "`path:` with a part of its place tells it"
            raise DeviceMissing(f"several devices fit {_meant(device)}: {_listed(fitting)}; {what}")
        if device.kind == "w1":
            raise DeviceMissing(_missing_on_w1(device, there, self._sysfs))
        known = f"there are: {_listed(there)}" if there else "there are none"
        raise DeviceMissing(f"the kernel has no {device.kind} device {_meant(device)}; {known}")

    def _failed(self, device: KernelDevice, name: str, error: OSError) -> WireError:
        """What a read that failed means. The device is looked for anew, whatever it was."""
        folder = self._held.pop(device)
        is_there = _has_files(folder)
        os.close(folder)
        number = error.errno or 0
        if not is_there:
            return DeviceMissing(f"{_meant(device)} is gone: it was unplugged, or its kernel driver was unloaded")
        if number == errno.ENOENT:
            return FileMissing(f"{_meant(device)} has no file {name}")
        kind, sentence = _MEANINGS.get(number, (WireError, "the kernel cannot read it from the chip"))
        return kind(f"{name} of {_meant(device)}: {sentence} ({named(error.errno)})")


def _content(name: str, folder: int) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(descriptor, LONGEST_FILE)
    finally:
        os.close(descriptor)


def _has_files(folder: int) -> bool:
    """Whether a directory that is held open is still a device: once that is gone, nothing is in it."""
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def _meant(device: KernelDevice) -> str:
    if device.kind == "w1":
        return device.name
    return " at ".join(filter(None, (device.name or f"any {device.kind} device", device.path)))


def _missing_on_w1(device: KernelDevice, there: list[FoundDevice], sysfs: Path) -> str:
    if not has_one_wire(sysfs):
        return _ONE_WIRE
    known = f"there are: {_listed(there)}" if there else "there are none at all"
    return f"no {device.name} answers on 1-wire ({known}); check its three wires, and the 4.7 kΩ from data to 3.3 V"


def _listed(found: list[FoundDevice]) -> str:
    more = len(found) - _MOST_LISTED
    return ", ".join(map(str, found[:_MOST_LISTED])) + (f" and {more} more" if more > 0 else "")
