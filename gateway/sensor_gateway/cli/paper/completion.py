"""``completion``: what a shell completes, made from the command line itself."""

from __future__ import annotations

import argparse
import os
from typing import Final

from sensor_gateway.cli.arguments import Subparsers, add_command

_ABOUT: Final = """\
Prints what bash, zsh or fish need to complete commands, options and file names. Once for each user:

  sensor-gateway completion bash > ~/.local/share/bash-completion/completions/sensor-gateway
  sensor-gateway completion zsh > ~/.zfunc/_sensor-gateway
  sensor-gateway completion fish > ~/.config/fish/completions/sensor-gateway.fish

The directory must be there (mkdir -p). zsh looks into ~/.zfunc where ~/.zshrc says `fpath+=~/.zfunc` before `compinit`.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "completion", summary="what a shell needs to complete commands", about=_ABOUT)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it; the exit code. ``arguments.whole`` is the parser of the whole command line."""
    from sensor_gateway.cli.paper.outline import outline_of
    from sensor_gateway.cli.paper.shells import SHELLS

    print(SHELLS[arguments.shell](outline_of(arguments.whole)), end="")
    return os.EX_OK
