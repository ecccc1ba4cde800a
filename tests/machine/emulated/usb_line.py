"""A USB adapter to a serial line, with a device at its other end that says a line of text again and again.

QEMU plays an FTDI chip. Each plugging goes through the guest's kernel and its real udev, as that of a real one does.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from emulated.machine import Machine

SERIAL_NUMBER: Final = "GW42"
BY_ID: Final = f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{SERIAL_NUMBER}-if00-port0"
EVERY_S: Final = 0.5


class UsbLine:
    """One adapter, which is plugged in, pulled out, and plugged in again. ``says`` is what its device says."""

    def __init__(self, machine: Machine, directory: Path, says: str) -> None:
        self.says = says
        self._machine = machine
        self._path = directory / "usb-line"
        said = machine.monitor(f"chardev-add socket,id=line,path={self._path},server=on,wait=off")
        assert not said, said
        self._over = threading.Event()
        self._device = threading.Thread(target=self._talk, name="device on a line", daemon=True)
        self._device.start()

    def plug(self) -> str:
        """Plug it in; the node that the kernel made, which ``BY_ID`` leads to."""
        said = self._machine.monitor(f"device_add usb-serial,id=adapter,chardev=line,serial={SERIAL_NUMBER}")
        assert not said, said
        return self._machine.run(f"until test -c {BY_ID}; do sleep 0.1; done; readlink -f {BY_ID}").strip()

    def unplug(self) -> None:
        """Pull it out."""
        self._machine.monitor("device_del adapter")
        self._machine.run(f"while test -e {BY_ID}; do sleep 0.1; done")

    def end(self) -> None:
        self._over.set()
        self._device.join(10)

    def _talk(self) -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._path))
            line.settimeout(0)  # what nobody reads is lost, as on a real line
            while not self._over.wait(EVERY_S):
                with suppress(BlockingIOError):
                    line.send(f"{self.says}\n".encode())
