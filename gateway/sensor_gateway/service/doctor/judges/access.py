"""Judges whether the user that the gateway runs as may use a device or a directory."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user with the numbers of all groups that it is in, those that the service adds among them.

    ``is_service``: the service's own user, not whoever runs the doctor.
    """

    name: str
    uid: int
    groups: frozenset[int]
    is_service: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Whose a device or directory is, and what its mode allows (as of stat)."""

    path: Path
    uid: int
    gid: int
    mode: int
    owner: str
    group: str


_ROOT: Final = 0


def may_use(account: Account, node: Node) -> bool:
    """Whether the account may read and write it, by the three classes of POSIX (first match decides)."""
    if account.uid == _ROOT:
        return True
    if account.uid == node.uid:
        wanted = stat.S_IRUSR | stat.S_IWUSR
    elif node.gid in account.groups:
        wanted = stat.S_IRGRP | stat.S_IWGRP
    else:
        wanted = stat.S_IROTH | stat.S_IWOTH
    return node.mode & wanted == wanted


def judge_account(account: Account) -> Finding:
    """A gateway needs no root."""
    if account.is_service:
        return ok("user", f"the service runs as {account.name}")
    if account.uid == _ROOT:
        return advice(
            "user",
            "there is no user sensor-gateway, and this is root: a gateway needs no root",
            "sudo useradd --system --home-dir /var/lib/sensor-gateway --groups i2c,dialout sensor-gateway",
        )
    return ok("user", f"there is no user sensor-gateway: judged for {account.name}, who runs this")


def judge_nodes(account: Account, nodes: Sequence[tuple[str, Node]]) -> Iterator[Finding]:
    """Each device (with its bus) that the account may not read and write; one finding where it may use all."""
    barred = [(bus, node) for bus, node in nodes if not may_use(account, node)]
    for bus, node in barred:
        place = shlex.quote(str(node.path))
        has_group = bool(node.mode & stat.S_IRGRP and node.mode & stat.S_IWGRP) and node.gid != _ROOT
        if has_group:
            remedy = f"sudo usermod -aG {node.group} {account.name}   # then restart the gateway, or log in again"
        else:
            remedy = f"sudo chgrp dialout {place} && sudo chmod g+rw {place}   # and a udev rule, to make it last"
        yield wrong(
            f"buses.{bus}",
            f"{account.name} may not use {node.path}, which belongs to {node.owner}:{node.group} "
            f"({stat.filemode(node.mode)})",
            remedy,
        )
    if nodes and not barred:
        yield ok("groups", f"{account.name} may use {', '.join(str(node.path) for _, node in nodes)}")


def judge_state_directory(account: Account, directory: Path, node: Node | None) -> Finding:
    """``node``: the directory, or the nearest one above that is there; None where none can be seen."""
    if node is None:
        return wrong(
            "state directory", f"{directory} cannot be looked at", f"sudo ls -ld {shlex.quote(str(directory))}"
        )
    if node.path != directory:
        return ok("state directory", f"{directory} is not there yet: the gateway makes it when it starts")
    if not may_use(account, node):
        return wrong(
            "state directory",
            f"{account.name} may not write to {directory}, which belongs to {node.owner}:{node.group} "
            f"({stat.filemode(node.mode)})",
            f"sudo chown -R {account.name}: {shlex.quote(str(directory))}",
        )
    return ok("state directory", f"{directory} is {account.name}'s to write to")
