"""Looks at an installation, writes the files of a plan, and runs its commands: all that touches the system."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sensor_gateway.outbox.files.disk import Disk, write_atomically
from sensor_gateway.service.installation.plan import (
    PACKAGED,
    Folder,
    Installation,
    NotInstallable,
    Person,
    PlannedCommand,
    PlannedFile,
    ServicePlan,
)

SHIPPED: Final = Path(__file__).parent / "files"
RUNNING: Final = Path("/run/systemd/system")
"""It is there exactly where systemd runs (sd_booted(3))."""


def shipped_texts() -> Mapping[str, str]:
    """The files that come with this program, by name."""
    return {file.name: file.read_text("utf-8") for file in sorted(SHIPPED.iterdir())}


def look_at(program: Sequence[str], places: Sequence[Path], user: str) -> Installation:
    """What is to be known of this installation, and of a user of this machine."""
    way = dict.fromkeys(folder for place in (Path(program[0]), *places) for folder in place.resolve().parents)
    return Installation(
        program=tuple(program),
        places=tuple(places),
        way=tuple(_folder(path) for path in reversed(way)),
        person=_person(user),
        is_packaged=PACKAGED.exists(),
    )


def write(file: PlannedFile, root: Path = Path("/")) -> str:
    """Write one file in one piece; ``written``, ``unchanged`` or, for the operator's own, ``kept``."""
    path = root / file.path.relative_to("/")
    try:
        there = path.read_text("utf-8")
    except FileNotFoundError:
        there = None
    if there is not None and not file.is_ours:
        return "kept"
    if there == file.text:
        return "unchanged"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Disk(), path, file.text.encode())
    path.chmod(0o644)
    return "written"


def carry_out(plan: ServicePlan, tell: Callable[[str], None]) -> None:
    """Do all of it, and tell each step. NotInstallable where a command failed that is needed."""
    has_changed = False
    for file in plan.files:
        outcome = write(file)
        has_changed = has_changed or outcome == "written"
        tell(f"{outcome:<9} {file.path}")
    for command in (*plan.prepare, *(plan.restart if has_changed else plan.start)):
        tell(f"run       {command}")
        problem = run(command)
        if problem and command.is_needed:
            raise NotInstallable(f"`{command}` failed: {problem}")
        if problem:
            tell(f"          failed ({problem}): it takes effect at the next boot")


def run(command: PlannedCommand) -> str:
    """Run a command; what went wrong, or nothing."""
    try:
        done = subprocess.run(command.words, capture_output=True, text=True, check=False)  # noqa: S603 - of our own plan
    except FileNotFoundError:
        return f"{command.words[0]} is not on this machine"
    return done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}" if done.returncode else ""


def _folder(path: Path) -> Folder:
    found = path.stat()
    return Folder(path=path, mode=found.st_mode & 0o777, owner=found.st_uid, group=found.st_gid)


def _person(name: str) -> Person:
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        return Person(name=name, uid=None, gids=frozenset())
    return Person(name=name, uid=known.pw_uid, gids=frozenset(os.getgrouplist(name, known.pw_gid)))
