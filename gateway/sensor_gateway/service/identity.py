"""Who this gateway is: its id, its MQTT client id, and the machine and boot it runs on.

Both ids are taken once and kept in the state directory, so that a new host name does not make a new gateway. A
card that was moved to, or cloned for, another machine gets a client id of its own.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.outbox.identity import Machine

_FILE: Final = "identity.json"
_SERIALS: Final = ("proc/device-tree/serial-number", "sys/class/dmi/id/product_uuid")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIdentity:
    """The gateway's id on every topic, and the client id of its connection."""

    gateway: str
    client_id: str


def read_machine(environ: Mapping[str, str], *, root: Path = Path("/")) -> Machine:
    """The boot id (from systemd where /proc hides it) and the hardware's serial.

    The serial is the device tree's, else the DMI uuid, else the first hardware address; never /etc/machine-id,
    which is cloned together with the card.
    """
    boot_id = environ.get("SENSOR_GATEWAY_BOOT_ID") or _text(root / "proc/sys/kernel/random/boot_id")
    hardware_id = next((text for text in map(_text, (root / name for name in _SERIALS)) if text), "")
    return Machine(boot_id=boot_id, hardware_id=hardware_id or _hardware_address(root / "sys/class/net"))


def slug(name: str) -> str:
    """``name`` as an id: lower case letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "gateway"


def keep_identity(
    state_directory: Path, *, gateway: str | None, client_id: str | None, machine: Machine, log: Log
) -> GatewayIdentity:
    """The identity of this state directory, made at the first start; what the configuration says goes first."""
    file = state_directory / _FILE
    kept = _kept(file, log)
    same_machine = kept.get("hardware") in (None, machine.hardware_id)
    suffix = kept.get("suffix") if same_machine else None
    facts = {
        "gateway": kept.get("gateway") or slug(socket.gethostname().partition(".")[0]),
        "suffix": suffix or secrets.token_hex(4),
        "hardware": machine.hardware_id,
    }
    if facts != kept:
        _keep(file, facts, log)
    name = gateway or facts["gateway"]
    return GatewayIdentity(gateway=name, client_id=client_id or f"{name}-{facts['suffix']}")


def _kept(file: Path, log: Log) -> dict[str, str]:
    try:
        facts = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("identity_unreadable", file=str(file), error=str(error))
        return {}
    if not isinstance(facts, dict):
        return {}
    return {key: fact for key, fact in facts.items() if isinstance(fact, str)}


def _keep(file: Path, facts: Mapping[str, str], log: Log) -> None:
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(facts, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as error:
        log.warning("identity_not_kept", file=str(file), error=str(error))


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
