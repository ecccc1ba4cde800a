"""Where the outbox is that a command is about: named, or found as ``run`` finds it, or as systemd keeps it."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import DEFAULT_FILE, load_checked, load_startable, say
from sensor_gateway.model.errors import OperatorError

if TYPE_CHECKING:
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.outbox.inspection.snapshot import Inspected
    from sensor_gateway.outbox.settings import OutboxSettings

SYSTEM_STATE: Final = Path("/var/lib/sensor-gateway")
_SYSTEM_HOT: Final = Path("/run/sensor-gateway")


class NoOutbox(OperatorError):
    """There is nothing to look at in the directories that were looked into."""


def add_place(parser: argparse.ArgumentParser) -> None:
    """``--state-dir``, ``--hot-dir`` and ``--config``."""
    parser.add_argument(
        "--state-dir",
        "--state-directory",
        type=Path,
        metavar="DIR",
        help=f"the gateway's state directory (default $STATE_DIRECTORY, else ~/.local/state/sensor-gateway, else "
        f"{SYSTEM_STATE})",
    )
    parser.add_argument(
        "--hot-dir",
        type=Path,
        metavar="DIR",
        help=f"its directory in memory (default as --config has it, else the one its daemon used last, else as "
        f"{DEFAULT_FILE} has it, else the running daemon's, else $RUNTIME_DIRECTORY)",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the gateway's configuration, for its limits and hot directory alone (default {DEFAULT_FILE}, if it can "
        "be read)",
    )


def configuration_of(arguments: argparse.Namespace) -> Configuration | None:
    """The configuration that was named, or the usual one if it is sound; Unusable for a named one's faults."""
    if arguments.config is None and not os.access(DEFAULT_FILE, os.R_OK):
        return None
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    if arguments.config is not None:
        return load_startable(arguments.config, DriverCatalogue(), needs_broker=False).configuration
    startable = load_checked(DEFAULT_FILE, DriverCatalogue(), needs_broker=False).startable
    return startable.configuration if startable else None


def find_outbox(arguments: argparse.Namespace) -> Inspected:
    """The directories and the limits. NoOutbox where there is none, PermissionError where we may not look."""
    return outbox_by(configuration_of(arguments), arguments)


def outbox_by(configuration: Configuration | None, arguments: argparse.Namespace) -> Inspected:
    """As ``find_outbox``, by a configuration that was loaded already."""
    from sensor_gateway.outbox.inspection.snapshot import Inspected, holds_a_hot_journal
    from sensor_gateway.outbox.recovery import Places
    from sensor_gateway.service.directories import noted_hot

    state = _state_directory(arguments)
    configured = configuration.outbox.hot_directory if configuration else None
    named, noted = arguments.hot_dir or (configured if arguments.config else None), noted_hot(state)
    if arguments.hot_dir is not None and not holds_a_hot_journal(arguments.hot_dir):
        raise NoOutbox(f"no hot journal in {arguments.hot_dir}: leave out --hot-dir to look where the daemon had it")
    return Inspected(
        places=Places(
            state_directory=state,
            hot_directory=named or (noted.directory if noted else configured or _hot_of_the_system(state)),
        ),
        settings=_settings(configuration),
        is_configured=configuration is not None,
        is_without_hot=named is None and noted is not None and noted.directory is None,
        is_process_alone=named is None and noted is not None and noted.is_process_alone,
    )


def _hot_of_the_system(state: Path) -> Path | None:
    """What systemd gave the daemon that runs, or us, or gives the service."""
    from sensor_gateway.outbox.inspection.owner import owner_of, runtime_directory_of

    pid = owner_of(state).pid
    hot = runtime_directory_of(pid) if pid is not None else None
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if hot is None and given:
        return Path(given)
    return hot or (_SYSTEM_HOT if state == SYSTEM_STATE and _SYSTEM_HOT.is_dir() else None)


def _settings(configuration: Configuration | None) -> OutboxSettings:
    """The configured limits, else the usual ones."""
    from sensor_gateway.outbox.settings import OutboxSettings

    if configuration is None:
        return OutboxSettings()
    from sensor_gateway.service.plans import outbox_settings

    return outbox_settings(configuration.outbox)


def _state_directory(arguments: argparse.Namespace) -> Path:
    from sensor_gateway.outbox.inspection.snapshot import holds_an_outbox

    looked: list[Path] = []
    refusal: PermissionError | None = None
    for directory in dict.fromkeys(_candidates(arguments)):
        try:
            if holds_an_outbox(directory):
                return directory
        except PermissionError as error:
            refusal = refusal or error
        looked.append(directory)
    if refusal is not None:
        raise refusal
    if arguments.state_dir is not None:
        _say_what_it_is(arguments.state_dir)
    where = " nor ".join(map(str, looked))
    raise NoOutbox(f"no outbox in {where}: no gateway ran with this state directory; name its own with --state-dir")


def _say_what_it_is(directory: Path) -> None:
    """NoOutbox where a named state directory cannot be one."""
    from sensor_gateway.outbox.inspection.snapshot import holds_an_outbox
    from sensor_gateway.outbox.recovery import DIRECTORY_NAMES

    place = directory.absolute()
    if not place.exists():
        raise NoOutbox(f"{directory} does not exist")
    if not place.is_dir():
        raise NoOutbox(f"{directory} is not a directory")
    if place.name in DIRECTORY_NAMES and holds_an_outbox(place.parent):
        raise NoOutbox(f"{directory} is the outbox itself: name its parent, {place.parent}")


def _candidates(arguments: argparse.Namespace) -> Iterator[Path]:
    from sensor_gateway.service.directories import find_directories

    if arguments.state_dir is not None:
        yield arguments.state_dir
        return
    yield find_directories(os.environ, state=None, hot=None).state
    yield SYSTEM_STATE


def say_who_may(error: PermissionError) -> None:
    """Name who owns what we may not touch, and what to do."""
    from sensor_gateway.service.ownership import group_name, owners_of

    path = _barred(Path(os.fsdecode(error.filename))) if error.filename else None
    if path is None:
        say(f"sensor-gateway: no permission: {error}: run this with sudo")
        return
    known = path.stat()
    is_for_group = bool(known.st_mode & stat.S_IRGRP) and known.st_gid and not _may_look(path)
    how = f"with sudo, or as a member of the group {group_name(known.st_gid)}" if is_for_group else "with sudo"
    say(f"sensor-gateway: no permission: {owners_of(path)}: run this {how}")


def _barred(path: Path) -> Path | None:
    """The nearest that bars the way to a path; where one may look at all of it, the nearest that is there."""
    there = []
    for candidate in (path, *path.parents):
        with suppress(OSError):
            candidate.stat()
            there.append(candidate)
    return next((one for one in there if not _may_look(one)), there[0] if there else None)


def _may_look(path: Path) -> bool:
    return os.access(path, os.X_OK if path.is_dir() else os.R_OK, effective_ids=True)
