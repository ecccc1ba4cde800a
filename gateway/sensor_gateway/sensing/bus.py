"""What the engine asks of a wire. Each kind of wire has one owner thread; nobody else calls these.

The real ones are in ``i2c``, ``serial_port`` and ``sysfs``, those of software in the simulation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.sensing.plan import SensorPlan


@runtime_checkable
class I2cBus(Protocol):
    """One I2C bus. Errors are WireError and its kinds; ``open`` may also raise OperatorError."""

    name: str

    def open(self) -> None:
        """Open what carries the bus; nothing where it is open.

        BusMissing where there is no such bus, OperatorError where it may not be used (permission, another holder).
        """
        ...

    def close(self) -> None:
        """Give the bus up; nothing where it is closed. Raises nothing."""
        ...

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """Write ``data`` if there is any, then read ``count`` bytes if any, in one transaction (repeated start).

        Gives exactly ``count`` bytes. Raises WireError and its kinds only.
        """
        ...


class SerialLine(Protocol):
    """One serial line. Errors are WireError and its kinds; ``open`` may also raise OperatorError."""

    name: str

    def open(self) -> None:
        """Open the port; nothing where it is open.

        BusMissing where there is no such port, OperatorError where it may not be used (permission, another holder).
        """
        ...

    def close(self) -> None:
        """Give the port up; nothing where it is closed. Raises nothing."""
        ...

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send all of ``data`` within ``timeout_s``, or raise a WireError."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """What has come in, up to 4096 bytes, as soon as there is any; b"" at the timeout or after ``wake``.

        BusMissing where the port was unplugged.
        """
        ...

    def discard(self) -> int:
        """Drop what has come in unread, and give the number of bytes."""
        ...

    def wake(self) -> None:
        """From any thread: a read that waits, or else the next one, returns b"" at once."""
        ...


@runtime_checkable
class DeviceFiles(Protocol):
    """The files of devices that the kernel measures with. Errors are WireError and its kinds."""

    name: str

    def open(self) -> None:
        """Be ready; nothing where it is. BusMissing where there are no such files at all."""
        ...

    def close(self) -> None:
        """Let go of all devices; nothing where it is closed. Raises nothing."""
        ...

    def read_file(self, device: KernelDevice, name: str) -> bytes:
        """The content of a file, up to 4096 bytes. The device is told anew after an error.

        DeviceMissing where there is no such device, FileMissing where it has no such file.
        """
        ...


@runtime_checkable
class Rewirable(Protocol):
    """A bus in software, whose devices come and go with the sensors that are configured."""

    def rewire(self, sensors: Sequence[SensorPlan], kept: Collection[str]) -> None:
        """Have a device for each of these; those of the names ``kept`` stay as they are."""
        ...


Bus: TypeAlias = I2cBus | SerialLine | DeviceFiles
"""Any of the three."""


def line_of(bus: Bus) -> SerialLine | None:
    """The bus, if it is a serial line."""
    return None if isinstance(bus, I2cBus | DeviceFiles) else bus
