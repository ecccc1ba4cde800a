"""The door to serial ports, and to pyserial and termios, which nothing else here knows.

pyserial opens and sets up the port; reading and writing go to its descriptor directly, because its own time limits
are per byte, and because its calls raise ``termios.error``, which is no OSError.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from errno import EACCES, EAGAIN, EBUSY, EIO, ENODEV, ENOENT, ENXIO, EPERM
from pathlib import Path
from typing import Final, Literal, TypeAlias

import serial

from sensor_gateway.model.errors import BusMissing, NoAnswer, OperatorError
from sensor_gateway.sensing.errnos import named, no_permission
from sensor_gateway.sensing.lock_holder import holder_of

Parity: TypeAlias = Literal["none", "even", "odd"]

_PARITIES: Final = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}
NO_PORT: Final = "no USB serial port is plugged in (the Pi's own is /dev/serial0, once enabled with raspi-config)"

_CHUNK: Final = 4096
_MOST_DISCARDED: Final = 64
"""Chunks dropped at once: a device that never stops talking must not hold the thread."""

_GONE: Final = frozenset({ENOENT, ENODEV, ENXIO, EIO})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSettings:
    """How a port is opened. ``dtr`` and ``rts`` are left as the system has them unless they are set here."""

    port: str
    baudrate: int = 9600
    parity: Parity = "none"
    stopbits: Literal[1, 2] = 1
    bytesize: Literal[7, 8] = 8
    dtr: bool | None = None
    rts: bool | None = None


class _Port(serial.Serial):
    """pyserial's port, which leaves DTR and RTS alone when it opens (many boards reset on DTR)."""

    def _update_dtr_state(self) -> None:
        """Nothing."""

    def _update_rts_state(self) -> None:
        """Nothing."""


def permission_fault(path: Path) -> OperatorError | None:
    """The sentence about a port that this user may not open, without opening it: that would reset many boards."""
    if os.access(path, os.R_OK | os.W_OK):
        return None
    return no_permission(EACCES, path, path, group="dialout")


class SerialPort:
    """One serial port, by a name that survives replugging: ``/dev/serial/by-id/...``."""

    def __init__(self, name: str, settings: PortSettings, *, by_id: Path = Path("/dev/serial/by-id")) -> None:
        """Nothing is opened yet. ``by_id`` is where the system lists the ports that there are."""
        self.name = name
        self._settings = settings
        self._path = Path(settings.port)
        self._by_id = by_id
        self._port: _Port | None = None
        self._poll = select.poll()
        # It lives as long as this object: another thread may wake at any moment, also while the port is closed.
        self._waking = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._waking).atexit = False

    def open(self) -> None:
        """Open the port for this process alone; nothing where it is open. What came in before is not heard.

        BusMissing names the ports that there are; OperatorError says which group or process is in the way.
        """
        if self._port is not None:
            return
        port = _set_up(self._settings)
        try:
            port.open()
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
            _set_lines(port.fileno(), self._settings)
        except ValueError as error:
            port.close()
            raise OperatorError(f"{self._path} cannot be set up: {error}") from error
        except (OSError, termios.error) as error:
            _shut(port)
            raise _not_opened(self._path, error, self._by_id) from error
        self._poll = select.poll()
        self._poll.register(port.fileno(), select.POLLIN)
        self._poll.register(self._waking, select.POLLIN)
        self._port = port

    def close(self) -> None:
        """Give the port up, and what was not sent yet; nothing where it is closed."""
        port, self._port = self._port, None
        if port is not None:
            _shut(port)

    def write(self, data: bytes, timeout_s: float) -> None:
        """Hand all of ``data`` to the system within ``timeout_s``.

        NoAnswer when the other side does not take it (what is left is dropped) or ``wake`` is called meanwhile,
        BusMissing when the port is gone.
        """
        fd = self._fd()
        deadline_s = time.monotonic() + timeout_s
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                self._wait_for_room(fd, deadline_s, len(rest))
            except OSError as error:
                raise self._lost(error) from error

    def read(self, timeout_s: float) -> bytes:
        """What has come in, up to 4096 bytes, as soon as there is any; b"" at the timeout or after ``wake``.

        BusMissing when the port is gone: it is closed then, and the next ``open`` finds it by its name.
        """
        fd = self._fd()
        deadline_s = time.monotonic() + timeout_s
        while True:
            ready = self._poll.poll(max(0.0, deadline_s - time.monotonic()) * 1000)
            if any(number == fd for number, _ in ready):
                came = self._taken(fd)
                if came:
                    return came
            elif ready:
                self._forget_waking()
                return b""
            if time.monotonic() >= deadline_s:
                return b""

    def discard(self) -> int:
        """Drop what has come in unread, and give the number of bytes. BusMissing when the port is gone."""
        fd = self._fd()
        dropped = 0
        for _ in range(_MOST_DISCARDED):
            if not _is_readable(fd):
                break
            came = self._taken(fd)
            dropped += len(came)
            if len(came) < _CHUNK:
                break
        return dropped

    def wake(self) -> None:
        """From any thread: a read or write that waits, or else the next one that would, returns at once."""
        os.eventfd_write(self._waking, 1)

    def _fd(self) -> int:
        if self._port is None:
            raise BusMissing(f"the port of {self.name}, {self._path}, is not open")
        return self._port.fileno()

    def _taken(self, fd: int) -> bytes:
        """What is there now; empty when there was nothing after all."""
        try:
            came = os.read(fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(error) from error
        if not came:
            raise self._lost(OSError(EIO, "readable, and nothing to read"))
        return came

    def _wait_for_room(self, fd: int, deadline_s: float, left: int) -> None:
        room = select.poll()
        room.register(fd, select.POLLOUT)
        room.register(self._waking, select.POLLIN)
        ready = room.poll(max(0.0, deadline_s - time.monotonic()) * 1000)
        if any(number == fd for number, _ in ready):
            return
        # What the system still holds must not go out later, in front of the next request.
        _flush(fd)
        if ready:
            self._forget_waking()
            raise NoAnswer(f"writing to {self.name} was ended from outside")
        raise NoAnswer(f"the device on {self.name} takes nothing: {left} bytes could not be sent (flow control?)")

    def _forget_waking(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._waking)

    def _lost(self, error: OSError) -> BusMissing:
        """Close at once: only then is the port's old name free for when it comes back."""
        self.close()
        return BusMissing(
            f"the port of {self.name}, {self._path}, is gone ({named(error.errno)}): was it unplugged? "
            "It is opened again as soon as it is back",
        )


def _set_up(settings: PortSettings) -> _Port:
    """A port that is not open yet, with its settings. OperatorError for what no port can do."""
    port = _Port()
    try:
        port.port = settings.port
        port.baudrate = settings.baudrate
        port.parity = _PARITIES[settings.parity]
        port.stopbits = settings.stopbits
        port.bytesize = settings.bytesize
        port.exclusive = True
    except ValueError as error:
        raise OperatorError(f"{settings.port} cannot be set up: {error}") from error
    return port


def _set_lines(fd: int, settings: PortSettings) -> None:
    for line, wanted in ((termios.TIOCM_DTR, settings.dtr), (termios.TIOCM_RTS, settings.rts)):
        if wanted is not None:
            fcntl.ioctl(fd, termios.TIOCMBIS if wanted else termios.TIOCMBIC, struct.pack("I", line))


def _not_opened(path: Path, error: OSError | termios.error, by_id: Path) -> BusMissing | OperatorError:
    number = error.errno if isinstance(error, OSError) else error.args[0]
    if number in (EACCES, EPERM):
        return no_permission(number, path, path.resolve(), group="dialout")
    if number in (EBUSY, EAGAIN):
        return OperatorError(
            f"{path} is used by {holder_of(path)}: stop that program (`sudo fuser -v {path}` "
            "shows it; a serial console or ModemManager are common ones)",
        )
    if number in _GONE:
        return BusMissing(f"there is no {path}: {_choices(by_id)}")
    return OperatorError(f"{path} cannot be opened as a serial port ({error})")


def _choices(by_id: Path) -> str:
    try:
        names = sorted(str(path) for path in by_id.iterdir())
    except OSError:
        names = []
    if not names:
        return NO_PORT
    return f"plugged in are {', '.join(names)}"


def _is_readable(fd: int) -> bool:
    """Whether reading gives something at once, be it the news that the port is gone."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _flush(fd: int) -> None:
    with suppress(OSError, termios.error):  # A port that is gone holds nothing.
        termios.tcflush(fd, termios.TCOFLUSH)


def _shut(port: _Port) -> None:
    """Close, without waiting for output that nobody takes, and without leaving the port locked."""
    if not port.is_open:
        return
    _flush(port.fileno())
    # A port that is gone fails at both, and is closed all the same.
    with suppress(OSError, termios.error):
        fcntl.ioctl(port.fileno(), termios.TIOCNXCL)
    with suppress(OSError, termios.error):
        port.close()
