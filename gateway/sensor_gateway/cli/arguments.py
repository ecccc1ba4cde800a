"""Arguments that several subcommands share, and loading the configuration they name."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.sensing.catalogue import DriverCatalogue

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it

DEFAULT_FILE: Final = Path("/etc/sensor-gateway/gateway.yaml")


def add_config(parser: argparse.ArgumentParser) -> None:
    """``--config FILE``."""
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_FILE,
        metavar="FILE",
        help=f"configuration file (default {DEFAULT_FILE}); conf.d/*.yaml beside it is read too",
    )


class Unusable(Exception):
    """The configuration has faults; they have been printed."""


def load_or_complain(
    file: Path, catalogue: DriverCatalogue, *, needs_broker: bool, with_secrets: bool = False
) -> Configuration:
    """The configuration in ``file``; where it has faults, they are printed and Unusable is raised.

    ``with_secrets``: the secrets are read too, as they are on this machine.
    """
    from sensor_gateway.config.credentials import resolve_secrets
    from sensor_gateway.config.loading import load

    loaded = load(file, catalogue=catalogue, environ=os.environ, needs_broker=needs_broker)
    for warning in loaded.warnings:
        print(f"{warning} (warning)", file=sys.stderr)
    configuration, faults = loaded.configuration, loaded.faults
    if configuration is not None and with_secrets:
        configuration, faults = resolve_secrets(configuration, environ=os.environ)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults or configuration is None:
        raise Unusable
    return configuration
