"""The door to the kernel's I2C buses, and to smbus2, which nothing else here knows.

Every transaction is one I2C_RDWR call. That call ignores kernel drivers that are bound to an address, so the door
looks for them itself; and it locks the bus against other programs that ask.
"""

from __future__ import annotations

import fcntl
import os
import re
from errno import EACCES, ENODEV, ENOENT, ENXIO, EPERM
from pathlib import Path
from typing import Final

from smbus2 import I2cFunc, SMBus, i2c_msg

from sensor_gateway.model.errors import BusMissing, BusRefused, GatewayError, OperatorError, WireError
from sensor_gateway.sensing.errnos import i2c_error, named, no_permission
from sensor_gateway.sensing.lock_holder import holder_of

_WRITES_KEPT: Final = 256


class KernelI2cBus:
    """One I2C bus of this computer, by its device node: ``/dev/i2c-1`` or a link to it."""

    def __init__(self, name: str, path: Path, *, sysfs: Path = Path("/sys")) -> None:
        """Nothing is opened yet."""
        self.name = name
        self._path = path
        self._sysfs = sysfs
        self._bus: SMBus | None = None
        self._number = ""
        self._free: set[int] = set()
        self._writes: dict[tuple[int, bytes], i2c_msg] = {}

    def open(self) -> None:
        """Open and lock the bus; nothing where it is open.

        BusMissing says how the bus is enabled; OperatorError which group or which process is in the way.
        """
        if self._bus is not None:
            return
        bus = SMBus()
        try:
            bus.open(str(self._path))
            self._claim(bus)
        except OSError as error:
            bus.close()
            raise self._not_opened(error) from error
        except GatewayError:
            bus.close()
            raise
        self._number = number_of(self._path)
        self._free.clear()
        self._bus = bus

    @property
    def has_quick_write(self) -> bool:
        """Whether the adapter, once open, can send an address with no byte behind it."""
        return self._bus is not None and bool(self._bus.funcs & I2cFunc.SMBUS_QUICK)

    def close(self) -> None:
        """Give the bus up; nothing where it is closed."""
        bus, self._bus = self._bus, None
        if bus is None:
            return
        try:
            bus.close()
        except OSError:
            bus.fd = None  # The descriptor is gone either way.

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """Write ``data`` if there is any, then read ``count`` bytes if any, in one transaction (repeated start).

        Raises WireError and its kinds. Once the bus is gone it closes itself, so that the next ``open`` finds it
        when it is back.
        """
        bus = self._bus
        if bus is None:
            raise BusMissing(f"{self.name} is not open")
        if address not in self._free:
            self._check_owner(address)
        messages = []
        if data or not count:
            messages.append(self._writes.get((address, data)) or self._prepared(address, data))
        if count:
            # Never reused: should an adapter stop half-way without an error, no old answer may look like a new one.
            messages.append(i2c_msg.read(address, count))
        try:
            bus.i2c_rdwr(*messages)
        except OSError as error:
            raise self._failed(error, address) from error
        return bytes(messages[-1]) if count else b""

    def _prepared(self, address: int, data: bytes) -> i2c_msg:
        """The message of a write, kept: chips are asked the same few commands again and again."""
        if len(self._writes) >= _WRITES_KEPT:
            self._writes.clear()
        message = self._writes[address, data] = i2c_msg.write(address, data)
        return message

    def _claim(self, bus: SMBus) -> None:
        """Refuse an adapter that cannot do plain I2C, and a bus that another program has locked."""
        if not bus.funcs & I2cFunc.I2C:
            raise OperatorError(
                f"the adapter behind {self._path} can do SMBus only, no plain I2C transactions: use another adapter",
            )
        if bus.fd is None:
            raise BusMissing(f"{self._path} closed while it was opened")
        try:
            fcntl.flock(bus.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(
                f"{self._path} is used by {holder_of(self._path)}: stop that program, or give this gateway another bus",
            ) from error

    def _check_owner(self, address: int) -> None:
        """BusRefused where a kernel driver is bound to the address; asked once per address and opening."""
        driver = kernel_driver(self._number, address, sysfs=self._sysfs)
        if driver:
            raise BusRefused(
                f"the kernel driver {driver} owns address 0x{address:02x} on {self.name}: free the address with "
                f"`echo {self._number}-{address:04x} | sudo tee /sys/bus/i2c/drivers/{driver}/unbind`, "
                "and remove what binds it (a dtoverlay in config.txt); or read what it measures (`driver: linux`)",
            )
        self._free.add(address)

    def _failed(self, error: OSError, address: int) -> WireError:
        failure = i2c_error(error.errno, f"0x{address:02x}", self.name)
        if not isinstance(failure, BusMissing):
            change = self._change()
            if not change:
                return failure
            failure = BusMissing(f"{self.name} is gone: {change}")
        self.close()
        return failure

    def _change(self) -> str:
        """What became of the device node since it was opened; empty where it is the one that is open.

        An adapter that was unplugged keeps timing out on its old descriptor, and has another number when it is back
        before that is closed: a link leads to another node then.
        """
        bus = self._bus
        if bus is None or bus.fd is None:
            return ""
        try:
            there = self._path.stat().st_rdev
        except OSError:
            return f"there is no {self._path} any more"
        return "" if there == os.fstat(bus.fd).st_rdev else f"{self._path} leads to another adapter now"

    def _not_opened(self, error: OSError) -> BusMissing | OperatorError:
        if error.errno in (EACCES, EPERM):
            return no_permission(error.errno, self._path, self._path.resolve(), group="i2c")
        if error.errno in (ENOENT, ENODEV, ENXIO):
            return BusMissing(f"there is no {self._path}: {self._remedy()}")
        return OperatorError(f"{self._path} cannot be opened as an I2C bus ({named(error.errno)})")

    def _remedy(self) -> str:
        number = number_of(self._path)
        if (self._sysfs / "bus" / "i2c" / "devices" / f"i2c-{number}").exists():
            return "the bus is there, its device node is not; load it with `sudo modprobe i2c-dev`"
        if not number:
            return (
                "a rule of udev gives such a name to an adapter that is plugged in (or to a multiplexer's channel); "
                "`cat /sys/class/i2c-dev/*/name` shows the adapters there are"
            )
        if number in ("0", "1"):
            return (
                "enable I2C with `sudo raspi-config nonint do_i2c 0` "
                "(it sets dtparam=i2c_arm=on in /boot/firmware/config.txt), then restart the computer"
            )
        return (
            f"enable it with dtoverlay=i2c{number} in /boot/firmware/config.txt and restart, "
            "or plug in the adapter; `ls /dev/i2c-*` shows the buses there are"
        )


def kernel_driver(number: str, address: int, *, sysfs: Path = Path("/sys")) -> str:
    """The kernel driver that owns an address of the kernel's bus ``number``; empty where none does."""
    try:
        return (sysfs / "bus" / "i2c" / "devices" / f"{number}-{address:04x}" / "driver").readlink().name
    except OSError:
        return ""


def number_of(path: Path) -> str:
    """The kernel's number of the bus, through links; empty for a node with another name."""
    match = re.fullmatch(r"i2c-(\d+)", path.resolve().name)
    return match[1] if match else ""
