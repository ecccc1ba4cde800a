"""What is done about a state directory that cannot be used: it is said with its remedy, and a second instance refused.

The directory itself is the lock of all others. Where it cannot even be opened, an abstract socket stands in for it: a
name in the kernel, which needs no file and ends with the process.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from sensor_gateway.model.log import Log
from sensor_gateway.outbox.files.locks import AlreadyRunning
from sensor_gateway.service.directories import make_lasting
from sensor_gateway.service.ownership import owners_of, user_name


def claim_state(directory: Path, log: Log) -> socket.socket | None:
    """Make the directory; what to hold for as long as the process lives where it is of no use, which is logged.

    AlreadyRunning where an instance runs that could not use it either, whatever has changed since.
    """
    claim = _claim(directory)
    failure = _failure(directory)
    if failure is None:
        if claim is not None:
            claim.close()
        return None
    place = _nearest(directory)
    whose = f": {owners_of(place)}, and this is user {user_name(os.geteuid())}"
    log.error(
        "state_directory_not_usable",
        directory=str(directory),
        reason=f"{failure.strerror}{whose if isinstance(failure, PermissionError) else ''}",
        mind="events outlive neither a power cut nor, without a hot directory, this process; give the directory to "
        "this user, or name another one as --state-directory or $STATE_DIRECTORY",
    )
    return claim


def _failure(directory: Path) -> OSError | None:
    """Why nothing can be kept there."""
    try:
        make_lasting(directory)
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
            return PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(directory))
    except OSError as error:
        return error
    return None


def _claim(directory: Path) -> socket.socket | None:
    """AlreadyRunning where somebody has it; None where the system has no such sockets."""
    place = _nearest(directory.absolute().parent)
    with suppress(OSError):
        known = place.stat()  # in a container the same path may be another directory
        name = f"sensor-gateway {known.st_dev}:{known.st_ino} {directory.absolute().relative_to(place)}"
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(b"\0" + os.fsencode(name)[-100:])
        except OSError as error:
            claim.close()
            if error.errno == errno.EADDRINUSE:
                raise AlreadyRunning(directory, None) from None
            return None
        return claim
    return None


def _nearest(directory: Path) -> Path:
    """The directory, or the nearest above it that can be seen: that one bars the way."""
    for place in (directory.absolute(), *directory.absolute().parents):
        with suppress(OSError):
            place.stat()
            return place
    return Path("/")
