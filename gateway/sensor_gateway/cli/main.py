"""The entry point: finds the subcommand and runs it. Exit codes are those of sysexits.h."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from sensor_gateway import __version__
from sensor_gateway.cli import (
    check_config,
    config,
    demo,
    devices,
    drivers,
    read,
    run,
    schemas,
    simulate,
    tail,
)
from sensor_gateway.cli.arguments import Unusable, abandon_output, say
from sensor_gateway.cli.care import bugreport, doctor
from sensor_gateway.cli.fleet import command as fleet
from sensor_gateway.cli.outbox import command as outbox
from sensor_gateway.cli.paper import completion
from sensor_gateway.cli.running import reload, status
from sensor_gateway.cli.upkeep import install_service, secret
from sensor_gateway.cli.wires import record, replay, scan
from sensor_gateway.model.errors import OperatorError

_COMMANDS = (
    run,
    status,
    reload,
    check_config,
    config,
    simulate,
    demo,
    scan,
    read,
    record,
    replay,
    tail,
    fleet,
    drivers,
    devices,
    outbox,
    doctor,
    bugreport,
    schemas,
    completion,
    secret,
    install_service,
)

EX_INTERRUPTED: Final = 130

_EPILOG = """\
a first time, without any hardware:
  sensor-gateway demo                          watch it work, outage included
  sensor-gateway simulate my.yaml --for 20s    try your own file: simulated chips, no broker needed

with hardware:
  sensor-gateway scan                          what is connected: buses, addresses, chips, and YAML for them
  sensor-gateway check-config my.yaml          every fault in one go, with its line
  sensor-gateway read --all --config my.yaml   read each sensor once, raw bytes included
  sensor-gateway record attic a.jsonl --config my.yaml    what goes over its bus, for `replay` and bug reports
  sensor-gateway run --config my.yaml          the daemon; stop it with Ctrl-C
  sensor-gateway status                        how the running gateway is, on one screen
  sensor-gateway reload                        have it read its file anew
  sensor-gateway tail --config my.yaml         what arrives at the broker, in another terminal
  sensor-gateway fleet --config my.yaml        how all gateways at the broker are
  sensor-gateway outbox status                 what waits for the broker, and for how long there is room
  sensor-gateway doctor                        what is not well, and what to do

`sensor-gateway COMMAND --help` tells more, with an example.

exit codes: 0 done, 1 a check failed, or there is advice, 2 something is wrong (doctor, and --check),
            64 usage, 66 no outbox, recording or secrets there, 69 broker or daemon not reachable,
            70 internal error, 73 cannot create, 74 cannot write, 75 another instance runs,
            77 no permission, 78 configuration, 130 Ctrl-C
"""


class _Parser(argparse.ArgumentParser):
    """argparse, with our exit code for usage, and without abbreviations, which a later option would break."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**{**settings, "allow_abbrev": False})  # type: ignore[arg-type] # passed on as they come

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n{self.prog} --help tells more\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="sensor-gateway",
        description="Sensors on I2C and serial lines, as change events on MQTT, with nothing lost.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"sensor-gateway {__version__}")
    top.set_defaults(whole=top)
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What a user can bring about ends with a sentence, never with a traceback."""
    _make_streams_safe()
    try:
        return _run(argv)
    except (Unusable, OperatorError, OSError, KeyboardInterrupt) as error:
        return _told(error)
    finally:
        try:
            sys.stderr.flush()
        except (OSError, ValueError):
            abandon_output(sys.stderr)  # nobody reads the log, and that changes no exit code


def _told(error: BaseException) -> int:
    """Tell the operator, unless that was done; the exit code."""
    match error:
        case KeyboardInterrupt():
            code, sentence = EX_INTERRUPTED, ""
        case BrokenPipeError():
            code, sentence = os.EX_OK, ""  # whoever read has seen enough
        case PermissionError():
            code, sentence = os.EX_NOPERM, f"no permission: {error}"
        case OSError():
            code, sentence = os.EX_IOERR, str(error)
        case Unusable():
            code, sentence = os.EX_CONFIG, ""
        case _:
            code, sentence = os.EX_CONFIG, str(error)
    if isinstance(error, OSError):
        abandon_output()
    if sentence:
        say(f"sensor-gateway: {sentence}")
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments, unknown = parser().parse_known_args(argv)
        if unknown:
            arguments.refuse(f"unknown arguments: {' '.join(unknown)}")
        code = int(arguments.run(arguments))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else os.EX_OK
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        abandon_output()  # nobody reads the rest, and the verdict stands
    return code


def _make_streams_safe() -> None:
    """Streams that exist (a parent may have closed them), and that can write any character somehow."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
