"""Who this gateway is: its id, and the machine and boot it runs on.

The id is taken once and kept in the state directory, so that a new host name does not make a new gateway.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.names.topic_level import MAX_LENGTH, is_level
from sensor_gateway.outbox.identity import Machine

_FILE: Final = "gateway-id"
_SERIALS: Final = ("sys/firmware/devicetree/base/serial-number", "sys/class/dmi/id/product_uuid")
"""/proc/device-tree leads to the first one; a service for which /proc shows processes alone finds it there still."""


def read_machine(environ: Mapping[str, str], *, root: Path = Path("/")) -> Machine:
    """The boot id (from systemd where /proc hides it) and the hardware's serial.

    The serial is the device tree's, else the DMI uuid, else the first hardware address; never /etc/machine-id,
    which is cloned together with the card.
    """
    boot_id = environ.get("SENSOR_GATEWAY_BOOT_ID") or _text(root / "proc/sys/kernel/random/boot_id")
    hardware_id = next((text for text in map(_text, (root / name for name in _SERIALS)) if text), "")
    return Machine(boot_id=boot_id, hardware_id=hardware_id or _hardware_address(root / "sys/class/net"))


def slug(name: str) -> str:
    """``name`` as an id: lower case letters, digits, ``_`` and ``-``, and no more of them than an id may have."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:MAX_LENGTH].strip("-") or "gateway"


def keep_gateway_id(state_directory: Path, log: Log) -> str:
    """The id of this state directory: the host name's slug at the first start, and the same ever after."""
    file = state_directory / _FILE
    kept = kept_gateway_id(state_directory)
    if kept:
        return kept
    fresh = _host_slug()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        with new.open("w", encoding="utf-8") as out:
            out.write(fresh + "\n")
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    except OSError as error:
        log.warning("gateway_id_not_kept", file=str(file), error=str(error))
    return fresh


def kept_gateway_id(state_directory: Path) -> str:
    """The id that a state directory keeps; empty where it keeps none."""
    kept = _text(state_directory / _FILE)
    return kept if kept == slug(kept) and is_level(kept) else ""


def own_gateway_id(state_directory: Path) -> str:
    """The id of a gateway whose configuration names none: the one that is kept, else that of the host."""
    return kept_gateway_id(state_directory) or _host_slug()


def _host_slug() -> str:
    return slug(socket.gethostname().partition(".")[0])


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""


def _hardware_address(interfaces: Path) -> str:
    try:
        names = sorted(entry.name for entry in interfaces.iterdir())
    except OSError:
        return ""
    addresses = (_text(interfaces / name / "address") for name in names if name != "lo")
    return next((address for address in addresses if address.strip("0:")), "")
