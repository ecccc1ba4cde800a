"""A control group for each machine: two that run at once must not take each other's services for their own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_HIERARCHIES: Final = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))


class OwnGroup:
    """The groups of one machine, in each hierarchy that systemd uses."""

    def __init__(self, name: str) -> None:
        """Make them."""
        there = [place for place in _HIERARCHIES if (place / "cgroup.procs").exists()]
        self._folders = [place / name for place in there]
        for folder in self._folders:
            folder.mkdir(exist_ok=True)

    def around(self, command: list[str]) -> list[str]:
        """The command that enters them first, with all that it starts."""
        steps = [f"echo $$ >{folder}/cgroup.procs" for folder in self._folders]
        return ["sh", "-c", "; ".join([*steps, 'exec "$@"']), "sh", *command]

    def remove(self) -> None:
        """Give them back, once everything in them has ended."""
        for folder in self._folders:
            for below, _, _ in os.walk(folder, topdown=False):
                with suppress(OSError):
                    Path(below).rmdir()
