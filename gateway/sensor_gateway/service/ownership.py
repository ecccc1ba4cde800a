"""Whose a file is, in words for an operator."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path


def owners_of(path: Path) -> str:
    """A clause that names user and group. OSError where the path is not there."""
    known = path.stat()
    return f"{path} belongs to user {user_name(known.st_uid)} and group {group_name(known.st_gid)}"


def user_name(number: int) -> str:
    """The name of a user; the number where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """The same of a group."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def person() -> str:
    """Who runs this program, behind sudo too."""
    return os.environ.get("SUDO_USER") or user_name(os.getuid())
