"""What the engine asks of a wire. Each kind of wire has one owner thread; nobody else calls these.

The real ones are in ``i2c`` and ``serial_port``, those of software in the simulation.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


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
