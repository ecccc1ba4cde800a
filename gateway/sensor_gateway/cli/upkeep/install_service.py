"""``install-service``: a service of systemd for an installation that is not the Debian package."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import Subparsers, add_command, say

if TYPE_CHECKING:
    from sensor_gateway.service.installation.plan import ServicePlan

_ABOUT = """\
Makes a service of this installation (pipx, pip or uv, in a virtual environment): writes the unit, its user, its
directories and a first configuration, enables it and starts it. The Debian package does all this by itself.

It runs with the interpreter and the paths of the program that you call. Once more changes nothing, except after an
update of the program: then what differs is written, and the service is restarted. A configuration that is there
is kept.

--dry-run shows all that would be written and run. A program in somebody's home has to run as them:

  sensor-gateway install-service --dry-run
  sudo ~/.local/bin/sensor-gateway install-service --user $USER
  sudo /opt/sensor-gateway/bin/sensor-gateway install-service
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "install-service", summary="make a service of this installation", about=_ABOUT)
    parser.add_argument(
        "--user",
        default="sensor-gateway",
        metavar="NAME",
        help="whom it runs as; needed where the program lies in a home (default: a user sensor-gateway, which is made)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show all of it, and change nothing; needs no root")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Install, or show what that would be; the exit code."""
    from sensor_gateway.service.installation.hands import RUNNING, carry_out, look_at, shipped_texts
    from sensor_gateway.service.installation.plan import NotInstallable, plan_service

    if not arguments.dry_run and os.geteuid():
        say("sensor-gateway: only root can install a service: put sudo before it, or --dry-run behind it")
        return os.EX_NOPERM
    if not arguments.dry_run and not RUNNING.exists():
        say("sensor-gateway: systemd does not run here: start `sensor-gateway run` by what does")
        return os.EX_UNAVAILABLE
    try:
        plan = plan_service(look_at(own_command(), places(), arguments.user), shipped_texts())
        if arguments.dry_run:
            _show(plan)
            return os.EX_OK
        carry_out(plan, print)
    except NotInstallable as error:
        say(f"sensor-gateway: {error}")
        return os.EX_CANTCREAT
    print("it runs; what it says: journalctl -u sensor-gateway")
    return os.EX_OK


def own_command(called: str | None = None) -> tuple[str, ...]:
    """How this installation is started, by absolute paths. ``called``: by default, argv[0]."""
    script = Path(sys.argv[0] if called is None else called)
    if script.name == "sensor-gateway" and script.is_file():
        return (str(script.resolve()),)
    return (sys.executable, "-m", "sensor_gateway")


def places() -> tuple[Path, ...]:
    """Where its code is, and its interpreter."""
    return tuple(dict.fromkeys((Path(__file__).parents[3], Path(sys.prefix), Path(sys.base_prefix))))


def _show(plan: ServicePlan) -> None:
    for file in plan.files:
        print(f"# {file.path}{'' if file.is_ours else ', where there is none yet'}")
        print(file.text)
    for command in (*plan.prepare, *plan.start):
        print(f"# run: {command}")
