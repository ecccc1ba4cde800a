"""The control socket's file: made, found and taken away. Knows nothing of what is said over it.

A path of any length will do: one that is too long for the kernel (unix(7): 108 bytes) is reached through a descriptor
of its directory.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sensor_gateway.model.errors import OperatorError

NAME: Final = "control.sock"
MODE: Final = 0o660
"""The group of the service may ask too; connecting takes the right to write (unix(7))."""

_LONGEST: Final = 107
_BACKLOG: Final = 32
_PROBE_S: Final = 1.0


class SocketTaken(OperatorError):
    """Something else has the place of the socket."""


def socket_file(environ: Mapping[str, str], state: Path) -> Path:
    """Where a gateway with this state directory listens: in the runtime directory that systemd gives, if it does."""
    given = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return (Path(given) if given else state) / NAME


def listen(file: Path) -> socket.socket:
    """Listen there, without ever being open to others than MODE says. What a killed process left is replaced.

    SocketTaken where another process listens, or where something stands that is no socket. OSError.
    """
    _refuse_what_is_used(file)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    fresh = file.with_name(f".{NAME}.{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        with _address(fresh) as address:
            listener.bind(address)
        fresh.chmod(MODE)
        listener.listen(_BACKLOG)
        fresh.replace(file)
    except BaseException:
        listener.close()
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    return listener


def connect(file: Path, timeout_s: float) -> socket.socket:
    """A connection to who listens there. OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(timeout_s)
        with _address(file) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def take_away(file: Path, inode: int) -> None:
    """Remove the file, if it is still the one with this number."""
    with suppress(OSError):
        if file.lstat().st_ino == inode:
            file.unlink()


def _refuse_what_is_used(file: Path) -> None:
    try:
        known = file.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(known.st_mode):
        raise SocketTaken(f"{file} is no socket: move it away")
    with suppress(ConnectionRefusedError, FileNotFoundError):
        connect(file, _PROBE_S).close()
        raise SocketTaken(f"another process listens at {file}: give each gateway a runtime directory of its own")


@contextmanager
def _address(file: Path) -> Iterator[str]:
    """What the kernel is told, which is good for as long as the context lasts."""
    if len(os.fsencode(file)) <= _LONGEST:
        yield str(file)
        return
    directory = os.open(file.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{file.name}"
    finally:
        os.close(directory)
