"""The unit that is shipped, fitted to where a program lies and who runs it. Pure: text in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

OWN_USER: Final = "sensor-gateway"

_SHIPPED_PROGRAM: Final = "/usr/bin/sensor-gateway"
_HOMES: Final = (PurePath("/home"), PurePath("/root"), PurePath("/run/user"))
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:+@-]+")


def fitted_unit(text: str, *, program: Sequence[str], places: Iterable[PurePath], user: str) -> str:
    """The unit for ``program``, a command and its first arguments, which needs to read what is in ``places``.

    Where one of those is somebody's home, homes are shown to the service, to be read. Another user than our own keeps
    their own group.
    """
    command = " ".join(quoted(word) for word in program)
    lines = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.startswith("Exec") and value.startswith(_SHIPPED_PROGRAM):
            lines.append(f"{key}={command}{value.removeprefix(_SHIPPED_PROGRAM)}")
        elif key == "ProtectHome" and any(is_in_a_home(place) for place in places):
            lines.append("ProtectHome=read-only")
        elif user != OWN_USER and key == "User":
            lines.append(f"User={user}")
        elif user == OWN_USER or key != "Group":
            lines.append(line)
    return "\n".join(lines) + "\n"


def groups_alone(sysusers: str) -> str:
    """What sysusers.d is told where the service runs as somebody who is there already: the groups of devices."""
    lines = [line for line in sysusers.splitlines() if line.startswith(("#", "g "))]
    return "\n".join(lines) + "\n"


def first_configuration(text: str) -> str:
    """The shipped configuration, without the lines that name files of the Debian package."""
    return "".join(line for line in text.splitlines(keepends=True) if "/usr/share/" not in line)


def is_in_a_home(place: PurePath) -> bool:
    """Whether a service with ``ProtectHome=yes`` would not see it."""
    return any(place.is_relative_to(home) for home in _HOMES)


def quoted(word: str) -> str:
    """A word of a command line as systemd reads it (systemd.service(5), "Command lines")."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
