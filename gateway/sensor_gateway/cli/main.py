"""The entry point: finds the subcommand and runs it. Exit codes are those of sysexits.h."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sensor_gateway import __version__
from sensor_gateway.cli import check_config, config, demo, drivers, read, run, simulate, tail
from sensor_gateway.model.errors import OperatorError

_COMMANDS = (run, check_config, config, simulate, demo, read, tail, drivers)

_EPILOG = """\
a first time, without any hardware:
  sensor-gateway demo                          watch it work, outage included
  sensor-gateway simulate my.yaml --for 20s    try your own file: simulated chips, no broker needed

with hardware:
  sensor-gateway check-config my.yaml          every fault in one go, with its line
  sensor-gateway read --all --config my.yaml   read each sensor once, raw bytes included
  sensor-gateway run --config my.yaml          the daemon; stop it with Ctrl-C
  sensor-gateway tail --config my.yaml         what arrives at the broker, in another terminal

exit codes: 0 done, 1 a check failed, 64 usage, 69 broker not reachable, 70 internal error,
            73 cannot create a file, 75 another instance runs, 77 no permission, 78 configuration
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="sensor-gateway",
        description="Sensors on I2C and serial lines, as change events on MQTT, with nothing lost.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"sensor-gateway {__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except OperatorError as error:
        print(f"sensor-gateway: {error}", file=sys.stderr)
        return os.EX_UNAVAILABLE
    except BrokenPipeError:
        sys.stderr.close()
        return os.EX_OK
    except KeyboardInterrupt:
        return 130
