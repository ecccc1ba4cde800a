"""What has to be written and run to make a service of an installation. Pure; see ``hands.py`` for who does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.service.installation.unit import OWN_USER, first_configuration, fitted_unit, groups_alone

UNIT: Final = "sensor-gateway.service"
CONFIGURATION: Final = Path("/etc/sensor-gateway/gateway.yaml")
PACKAGED: Final = Path("/usr/lib/systemd/system") / UNIT
"""Where the Debian package puts the unit."""

_HIDDEN: Final = (PurePath("/tmp"), PurePath("/var/tmp"))  # noqa: S108 - where a service has a folder of its own instead


class NotInstallable(OperatorError):
    """Why this installation can be no service, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A directory on the way to the program, as ``stat`` tells it. ``mode``: permission bits."""

    path: Path
    mode: int
    owner: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom the service runs as; ``uid`` is None for somebody who is yet to be made."""

    name: str
    uid: int | None
    gids: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where the program is, and for whom it shall run.

    ``program`` starts it; ``places`` hold its code; ``way`` are the directories that lead there.
    """

    program: tuple[str, ...]
    places: tuple[Path, ...]
    way: tuple[Folder, ...]
    person: Person
    is_packaged: bool = False
    """Whether the Debian package has installed its service on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file with what shall stand in it. Not ``is_ours``: once it is there, it is the operator's."""

    path: Path
    text: str
    is_ours: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCommand:
    """A command of the system. One that is not needed may fail: what it does happens at the next boot."""

    words: tuple[str, ...]
    is_needed: bool = True

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Files first, then the commands that make them count, then those that start the service."""

    files: tuple[PlannedFile, ...]
    prepare: tuple[PlannedCommand, ...]
    start: tuple[PlannedCommand, ...]
    restart: tuple[PlannedCommand, ...]
    """In place of ``start`` where a file has changed."""


def plan_service(installation: Installation, shipped: Mapping[str, str]) -> ServicePlan:
    """The service for an installation, from the ``shipped`` texts by file name. NotInstallable with the reason."""
    _object_to(installation)
    user = installation.person.name
    sysusers = shipped["sensor-gateway.sysusers"]
    unit = fitted_unit(shipped[UNIT], program=installation.program, places=_seen(installation), user=user)
    return ServicePlan(
        files=(
            PlannedFile(path=Path("/etc/systemd/system") / UNIT, text=unit),
            PlannedFile(
                path=Path("/etc/sysusers.d/sensor-gateway.conf"),
                text=sysusers if user == OWN_USER else groups_alone(sysusers),
            ),
            PlannedFile(path=Path("/etc/tmpfiles.d/sensor-gateway.conf"), text=shipped["sensor-gateway.tmpfiles"]),
            PlannedFile(
                path=Path("/etc/udev/rules.d/60-sensor-gateway.rules"), text=shipped["60-sensor-gateway.rules"]
            ),
            PlannedFile(path=CONFIGURATION, text=first_configuration(shipped["gateway.yaml"]), is_ours=False),
        ),
        prepare=(
            PlannedCommand(words=("systemd-sysusers", "sensor-gateway.conf")),
            PlannedCommand(words=("systemd-tmpfiles", "--create", "sensor-gateway.conf")),
            PlannedCommand(words=("udevadm", "control", "--reload"), is_needed=False),
            PlannedCommand(words=("systemctl", "daemon-reload")),
        ),
        start=(PlannedCommand(words=("systemctl", "enable", "--now", UNIT)),),
        restart=(
            PlannedCommand(words=("systemctl", "enable", UNIT)),
            PlannedCommand(words=("systemctl", "restart", UNIT)),
        ),
    )


def _seen(installation: Installation) -> tuple[Path, ...]:
    return (Path(installation.program[0]), *installation.places)


def _object_to(installation: Installation) -> None:
    if installation.is_packaged:
        raise NotInstallable(
            f"the Debian package has installed the service ({PACKAGED}): systemctl status sensor-gateway"
        )
    person = installation.person
    if person.uid is None and person.name != OWN_USER:
        raise NotInstallable(f"there is no user {person.name}; create it, or leave --user out for one of our own")
    for place in _seen(installation):
        if any(place.is_relative_to(hidden) for hidden in _HIDDEN):
            raise NotInstallable(
                f"{place} is below a directory for temporary files, which no service shares; install to /opt"
            )
    closed = [folder for folder in installation.way if not _may_enter(person, folder)]
    if closed:
        raise NotInstallable(
            f"{closed[0].path} cannot be entered by user {person.name}, and the program is in there; "
            f"install it for all (python3 -m venv /opt/sensor-gateway), or use --user with its owner"
        )


def _may_enter(person: Person, folder: Folder) -> bool:
    """By the permission bits: the owner's, else the group's, else those of others."""
    if person.uid == 0:
        return True
    if person.uid == folder.owner:
        return bool(folder.mode & 0o100)
    if folder.group in person.gids:
        return bool(folder.mode & 0o010)
    return bool(folder.mode & 0o001)
