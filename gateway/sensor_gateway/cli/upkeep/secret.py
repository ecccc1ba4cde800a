"""``secret``: puts a password where the service finds it, and nobody else. It never stands on a command line."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from sensor_gateway.cli.arguments import Subparsers, add_command, say

CREDENTIALS: Final = Path("/etc/sensor-gateway/credentials")
LONGEST_SECRET: Final = 65_536

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_NEW: Final = ".new"

_ABOUT: Final = f"""\
Keeps passwords for the service, in {CREDENTIALS}, which root alone can read (use sudo). systemd
hands them to the service when it starts; in the configuration, `password_file: mqtt-password` names one.

  sensor-gateway secret set mqtt-password
  sensor-gateway secret list
"""
_ABOUT_SET: Final = """\
Writes a password for the service, in place of an earlier one of that name. It is asked for on the terminal, or read
from standard input up to its end; it is never an argument, which everybody on the machine could see.

  sensor-gateway secret set mqtt-password
  sensor-gateway secret set mqtt-password --directory /etc/sensor-gateway/credentials
"""
_ABOUT_LIST: Final = """\
Prints the names of the passwords that are kept for the service, one on a line.
Nothing of what is in them is shown, here or anywhere.

  sensor-gateway secret list
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "secret", summary="keep a password for the service", about=_ABOUT)
    commands = parser.add_subparsers(dest="secret_command", metavar="COMMAND", required=True)
    setting = add_command(commands, "set", summary="write one, in place of an earlier one", about=_ABOUT_SET)
    setting.add_argument(
        "name", metavar="NAME", help="as the configuration names it: letters, digits, `_`, `-` and `.`"
    )
    setting.set_defaults(run=_set)
    listing = add_command(commands, "list", summary="the names of those that are there", about=_ABOUT_LIST)
    listing.set_defaults(run=_list)
    for command in (setting, listing):
        command.add_argument(
            "--directory", type=Path, metavar="DIR", default=CREDENTIALS, help=f"where they lie (default {CREDENTIALS})"
        )


def _set(arguments: argparse.Namespace) -> int:
    if not _NAME.fullmatch(arguments.name):
        arguments.refuse(f"{arguments.name!r} is no name for a secret: letters, digits, `_`, `-` and `.`, 64 at most")
    directory: Path = arguments.directory
    if not directory.is_dir():
        say(f"sensor-gateway: there is no {directory}; make it: sudo install -d -m 700 {directory}")
        return os.EX_CANTCREAT
    if not os.access(directory, os.W_OK | os.X_OK):
        say(f"sensor-gateway: no permission to write into {directory}: use sudo")
        return os.EX_NOPERM
    secret = _asked(arguments)
    write_secret(directory / arguments.name, secret)
    _tell(directory, arguments.name)
    return os.EX_OK


def _list(arguments: argparse.Namespace) -> int:
    directory: Path = arguments.directory
    try:
        names = secret_names(directory)
    except FileNotFoundError:
        say(f"sensor-gateway: there is no {directory}")
        return os.EX_NOINPUT
    except PermissionError:
        say(f"sensor-gateway: no permission to look into {directory}: use sudo")
        return os.EX_NOPERM
    for name in names:
        print(name)
    if not names:
        say(f"no secrets in {directory} yet")
    return os.EX_OK


def secret_names(directory: Path) -> list[str]:
    """The names of the secrets in a directory, sorted. OSError where it cannot be read."""
    return sorted(file.name for file in directory.iterdir() if _NAME.fullmatch(file.name) and file.is_file())


def write_secret(file: Path, secret: str) -> None:
    """Write it for its owner alone. After a power cut the old one is there or the new one, whole. OSError.

    The file beside it begins with a dot: systemd takes no such file for a credential.
    """
    beside = file.with_name(f".{file.name}{_NEW}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(secret.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _asked(arguments: argparse.Namespace) -> str:
    """The secret, from the terminal (asked for twice) or from standard input, without the end of its line."""
    if sys.stdin.isatty():
        secret = getpass.getpass(f"{arguments.name}: ")
        if getpass.getpass("and once more: ") != secret:
            arguments.refuse("the two were not the same: nothing was written")
    else:
        try:
            data = sys.stdin.buffer.read(LONGEST_SECRET + 2)
            secret = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            arguments.refuse("the secret is not text in UTF-8: nothing was written")
    if not secret:
        arguments.refuse("the secret is empty: nothing was written")
    if len(secret.encode("utf-8")) > LONGEST_SECRET or "\0" in secret:
        arguments.refuse(f"the secret is longer than {LONGEST_SECRET} bytes, or has a zero in it: nothing was written")
    if "\n" in secret or secret != secret.strip():
        say("mind: there is white space at an end of it, or a line's end within, and all of that counts")
    return secret


def _tell(directory: Path, name: str) -> None:
    """What was written, how the configuration names it, and when it counts."""
    say(f"{directory / name} is written, for its owner alone")
    if directory == CREDENTIALS:
        say(f"in the configuration, below mqtt:    password_file: {name}")
        say("the service gets it when it starts:  sudo systemctl restart sensor-gateway")
    else:
        say(f"in the configuration, below mqtt:    password_file: {(directory / name).absolute()}")
        say("a running gateway reads it anew with its configuration: send it SIGHUP")
