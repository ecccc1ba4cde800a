"""What several subcommands share: arguments, loading the configuration that they name, and talking to the operator."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

if TYPE_CHECKING:
    from sensor_gateway.config.loading import Startable
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.config.text.faults import Fault
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.configuration.reading import Reading

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it

DEFAULT_FILE: Final = Path("/etc/sensor-gateway/gateway.yaml")

_PROGRAM: Final = "sensor-gateway"

EX_FAILED: Final = 1
"""A check, a simulation or a demonstration failed; all other exit codes are those of sysexits.h."""


class Unusable(Exception):
    """The configuration has faults; they have been printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of loading a configuration: it is there exactly where there are no faults.

    ``startable`` is there too where drivers that cannot be used are all that is wrong.
    """

    configuration: Configuration | None
    startable: Startable | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def add_command(subparsers: Subparsers, name: str, *, summary: str, about: str) -> argparse.ArgumentParser:
    """A subcommand; ``about`` is printed by its --help as it stands, lines and all.

    ``arguments.refuse(sentence)`` ends the program with that sentence, the subcommand's usage and the code for it.
    """
    parser = subparsers.add_parser(
        name, help=summary, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(refuse=parser.error)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """A configuration file, by its place or as ``--config FILE``; ``config_file`` tells which one it is."""
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help=f"configuration file (default {DEFAULT_FILE}); conf.d/*.yaml beside it is read too",
    )
    add_named_config(parser)


def add_named_config(parser: argparse.ArgumentParser) -> None:
    """``--config FILE`` alone, for a command that finds the places of files by itself."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration file, where it is not FILE")


def config_file(arguments: argparse.Namespace, placed: Sequence[Path] = ()) -> Path:
    """The one configuration file that was named, wherever it stands; wrong usage where there are two."""
    candidates = [*placed, getattr(arguments, "file", None), arguments.config]
    named = {file.absolute(): file for file in candidates if file is not None}
    if len(named) > 1:
        arguments.refuse(f"one configuration file is expected, got {' and '.join(map(str, named.values()))}")
    return next(iter(named.values()), DEFAULT_FILE)


def program(called: str | None = None) -> str:
    """How this program is started from any directory: it need not be on the PATH. ``called``: by default, argv[0]."""
    path = Path(sys.argv[0] if called is None else called)
    if path.name != _PROGRAM:
        return f"{shlex.quote(sys.executable)} -m sensor_gateway"
    on_path = shutil.which(_PROGRAM)
    if on_path is not None and Path(on_path).absolute() == path.absolute():
        return _PROGRAM
    absolute, home = path.absolute(), Path.home()
    quoted = shlex.quote(str(absolute))
    if absolute.is_relative_to(home) and quoted == str(absolute):
        return f"~/{absolute.relative_to(home)}"
    return quoted


def say(text: object) -> None:
    """A line for the operator, on standard error; nothing where nobody listens there any more."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def abandon_output(stream: TextIO | None = None) -> None:
    """Let what a stream (standard output) still holds vanish: Python writes it at its end, and complains on failure."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())


def load_checked(file: Path, catalogue: DriverCatalogue, *, needs_broker: bool, with_secrets: bool = False) -> Checked:
    """What is in ``file``, the scenarios of simulated buses included.

    ``with_secrets``: the secrets are read too, as they are on this machine.
    """
    from sensor_gateway.config.loading import load
    from sensor_gateway.service.configuration.reading import judged

    loaded = load(file, catalogue=catalogue, environ=os.environ, needs_broker=needs_broker)
    reading = judged(loaded, catalogue, environ=os.environ if with_secrets else None)
    return Checked(
        configuration=reading.configuration,
        startable=reading.startable,
        faults=reading.faults,
        warnings=reading.warnings,
    )


def load_or_complain(
    file: Path, catalogue: DriverCatalogue, *, needs_broker: bool, with_secrets: bool = False
) -> Configuration:
    """As ``load_checked``; faults and warnings are printed, and Unusable is raised where there is a fault."""
    checked = load_checked(file, catalogue, needs_broker=needs_broker, with_secrets=with_secrets)
    complain(checked)
    if checked.configuration is None:
        point_at_an_example(file)
        raise Unusable
    return checked.configuration


def load_startable(
    file: Path, catalogue: DriverCatalogue, *, needs_broker: bool, with_secrets: bool = False
) -> Startable:
    """As ``load_or_complain``, but drivers that cannot be used cost their own sensors only, which the caller tells."""
    checked = load_checked(file, catalogue, needs_broker=needs_broker, with_secrets=with_secrets)
    if checked.startable is None:
        complain(checked)
        point_at_an_example(file)
        raise Unusable
    complain(replace(checked, faults=()))
    return checked.startable


def complain(checked: Checked | Reading) -> None:
    """Print faults and warnings, a line for each."""
    for warning in checked.warnings:
        say(f"{warning} (warning)")
    for fault in checked.faults:
        say(fault)


def point_at_an_example(file: Path) -> None:
    """What comes first, where no file was named and none is at its usual place."""
    if file == DEFAULT_FILE and not file.exists():
        say(f"name your file; `{program()} simulate --help` shows a first one")


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """A sentence about a name that does not exist, with the one that was probably meant."""
    from sensor_gateway.config.values.near_miss import near_miss

    names = list(known)
    meant = near_miss(name, names)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"no such {what}: {name}{hint} (there are: {', '.join(names) or 'none yet'})"


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """While drivers run in this thread: Ctrl-C ends the process at once.

    The engine lets no exception out of a driver, so that KeyboardInterrupt would be taken for the driver's.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
