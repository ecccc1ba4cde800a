"""What the kernel's error numbers mean for a bus: whose fault it is, and whether asking again may help. Pure.

The same fault has a different number on each adapter: an absent chip is EREMOTEIO on a Raspberry Pi, ENXIO by the
kernel's own rule (Documentation/i2c/fault-codes), ETIMEDOUT on some USB bridges.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sensor_gateway.model.errors import BusMissing, BusRefused, Nack, NoAnswer, OperatorError, WireError

_NOBODY: Final = (Nack, "nobody acknowledges address {device} on {bus}")
_GONE: Final = (BusMissing, "{bus} is gone")
_UNSUPPORTED: Final = (BusRefused, "the adapter of {bus} cannot do this transaction with {device}")
_FORBIDDEN: Final = (BusRefused, "the system does not permit transactions on {bus}")

# EIO, EAGAIN (arbitration lost) and whatever else an adapter makes up.
_DISTURBED: Final = (WireError, "the transaction with {device} on {bus} failed")

_MEANINGS: Final[Mapping[int, tuple[type[WireError], str]]] = MappingProxyType(
    {
        errno.EREMOTEIO: _NOBODY,
        errno.ENXIO: _NOBODY,
        errno.ETIMEDOUT: (NoAnswer, "the transaction with {device} on {bus} timed out"),
        errno.ENOENT: _GONE,
        errno.ENODEV: _GONE,
        errno.EBADF: _GONE,
        errno.ESHUTDOWN: _GONE,
        errno.EOPNOTSUPP: _UNSUPPORTED,
        errno.EINVAL: _UNSUPPORTED,
        errno.ENOTTY: _UNSUPPORTED,
        errno.EBUSY: (BusRefused, "something else uses {device} on {bus}: a kernel driver or another program"),
        errno.EACCES: _FORBIDDEN,
        errno.EPERM: _FORBIDDEN,
    },
)


def i2c_error(number: int | None, device: str, bus: str) -> WireError:
    """The error of a transaction with ``device`` (like ``0x76``) on ``bus`` that failed with an error number."""
    kind, sentence = _MEANINGS.get(number or 0, _DISTURBED)
    return kind(f"{sentence.format(device=device, bus=bus)} ({named(number)})")


def no_permission(number: int | None, path: Path, node: Path, *, group: str) -> OperatorError:
    """What keeps this process from a device: its groups, or where that is EPERM, what its service is allowed.

    ``path`` is as it was configured, and ``node`` where it leads to. systemd refuses kinds of devices that the unit
    does not name (systemd.resource-control(5), DeviceAllow=): EPERM; modes of files are EACCES.
    """
    if number != errno.EPERM:
        return OperatorError(
            f"no permission to use {path}: add the user to the group {group} "
            f"(`sudo usermod -aG {group} $USER`, then log in again; for a service SupplementaryGroups={group})",
        )
    kind = re.sub(r"-?\d+$", "", node.name)
    return OperatorError(
        f"{path} is refused to this process, whatever its groups are (EPERM): a service may use the kinds of devices "
        f"that its unit allows. Write [Service] and DeviceAllow=char-{kind} rw with "
        "`sudo systemctl edit sensor-gateway`, then restart it",
    )


def named(number: int | None) -> str:
    """``EIO``, with its number where it has no name."""
    if number is None:
        return "no error number"
    return errno.errorcode.get(number, f"error {number}")
