"""Reads who the gateway runs as, and whose the devices are that it needs."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sensor_gateway.service.doctor.judges.access import Account, Node
from sensor_gateway.service.ownership import group_name, user_name

_SERVICE: Final = "sensor-gateway"


def account_of(unit: Mapping[str, str] | None) -> Account:
    """The service's user, with the groups that its unit adds; whoever runs this where there is none."""
    named = (unit or {}).get("User") or _SERVICE
    try:
        entry = pwd.getpwnam(named)
    except KeyError:
        groups = frozenset((*os.getgroups(), os.getegid()))
        return Account(name=user_name(os.geteuid()), uid=os.geteuid(), groups=groups, is_service=False)
    numbers = set(os.getgrouplist(entry.pw_name, entry.pw_gid))
    for group in (unit or {}).get("SupplementaryGroups", "").split():
        try:
            numbers.add(grp.getgrnam(group).gr_gid)
        except KeyError:
            continue
    return Account(name=entry.pw_name, uid=entry.pw_uid, groups=frozenset(numbers), is_service=True)


def node_of(path: Path) -> Node | None:
    """A device or directory; None where it is not there, or may not be looked at."""
    try:
        known = path.stat()
    except OSError:
        return None
    return Node(
        path=path,
        uid=known.st_uid,
        gid=known.st_gid,
        mode=known.st_mode,
        owner=user_name(known.st_uid),
        group=group_name(known.st_gid),
    )


def nearest(path: Path) -> Node | None:
    """The directory, or the nearest one above that is there; None where the way to it may not be seen."""
    for place in (path, *path.parents):
        try:
            place.stat()
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return node_of(place)
    return None
