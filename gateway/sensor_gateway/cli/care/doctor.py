"""``doctor``: what is well, what is not, and what to do."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import Subparsers, add_command, add_config, config_file, ended_by_ctrl_c, say

if TYPE_CHECKING:
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.outbox.inspection.snapshot import Inspected
    from sensor_gateway.service.doctor.examination import Asked
    from sensor_gateway.service.doctor.finding import Finding

_ABOUT: Final = """\
Looks at everything that a gateway needs on this computer: configuration, user and groups, buses and sensors, broker
and certificates, clock, disk and card, outbox, versions, service, log. What is amiss stands with a command to paste.
Nothing is changed, and root is not needed: what may not be seen is said. Sensors are asked only while no gateway runs.

  sensor-gateway doctor
  sensor-gateway doctor my.yaml --state-dir ~/.local/state/sensor-gateway
  sensor-gateway doctor --json | jq -r 'select(.grade == "wrong") | .remedy'

Exit code 0 when nothing is to be done, 1 when there is advice, 2 when something is wrong.
"""

_MARKS: Final = {"ok": "ok    ", "unseen": "  ?   ", "advice": "advice", "wrong": "WRONG "}
_COLOURS: Final = {"ok": "32", "unseen": "2", "advice": "33", "wrong": "31;1"}


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, "doctor", summary="what is well on this computer, what is not, and what to do", about=_ABOUT
    )
    add_config(parser)
    add_state_directory(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per finding")
    parser.set_defaults(run=run)


def add_state_directory(parser: argparse.ArgumentParser) -> None:
    """``--state-dir``."""
    parser.add_argument(
        "--state-dir",
        "--state-directory",
        type=Path,
        metavar="DIR",
        help="the gateway's state directory (default: as `outbox status` finds it)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Examine, and tell each finding as it is made; the exit code."""
    from sensor_gateway.service.doctor.examination import Examination
    from sensor_gateway.service.doctor.finding import exit_code
    from sensor_gateway.service.system_clock import SystemClock

    findings = []
    with ended_by_ctrl_c():
        for finding in Examination(asked_of(arguments), SystemClock()).findings():
            findings.append(finding)
            print(as_json(finding) if arguments.json else "\n".join(lines(finding, is_coloured=_is_coloured())))
            sys.stdout.flush()
    code = exit_code(findings)
    if not arguments.json:
        say(("nothing is to be done", "there is advice", "something is wrong")[code])
    return code


def asked_of(arguments: argparse.Namespace) -> Asked:
    """What is examined, read as it would be at a start, as far as this user may."""
    from sensor_gateway.cli.outbox.place import SYSTEM_STATE
    from sensor_gateway.service.directories import find_directories
    from sensor_gateway.service.doctor.doors.configuration import read_configuration
    from sensor_gateway.service.doctor.examination import Asked
    from sensor_gateway.service.identity import kept_gateway_id

    file = config_file(arguments)
    reading, unread = read_configuration(file, os.environ)
    startable = reading.startable
    inspected, barred = _outbox(arguments, file, None if startable is None else startable.configuration)
    state = find_directories(os.environ, state=arguments.state_dir, hot=None).state
    if inspected is not None:
        state = inspected.places.state_directory
    elif barred and arguments.state_dir is None:
        state = SYSTEM_STATE  # of the two that are looked into, the one that is not ours
    named = None if startable is None else startable.configuration.gateway.id
    return Asked(
        file=file,
        reading=reading,
        unread=unread,
        state_directory=state.absolute(),
        inspected=inspected,
        barred=barred,
        gateway=named or kept_gateway_id(state) or "+",
    )


def _outbox(
    arguments: argparse.Namespace, file: Path, configuration: Configuration | None
) -> tuple[Inspected | None, str]:
    """The outbox, by the configuration where that can be used; and why it may not be looked at."""
    from sensor_gateway.cli.outbox.place import NoOutbox, outbox_by

    place = argparse.Namespace(state_dir=arguments.state_dir, hot_dir=None, config=configuration and file)
    try:
        return outbox_by(configuration, place), ""
    except NoOutbox:
        return None, ""
    except PermissionError as error:
        return None, f"no permission: {error.filename}"


def as_json(finding: Finding) -> str:
    """One line."""
    facts = {
        "grade": finding.grade,
        "subject": finding.subject,
        "sentence": finding.sentence,
        "remedy": finding.remedy or None,
    }
    return json.dumps(facts, ensure_ascii=False)


def lines(finding: Finding, *, is_coloured: bool) -> Iterator[str]:
    """The finding, and its remedy on a line of its own, which can be pasted."""
    mark = _MARKS[finding.grade]
    if is_coloured:
        mark = f"\x1b[{_COLOURS[finding.grade]}m{mark}\x1b[0m"
    yield f"{mark}  {finding.subject}: {finding.sentence}"
    if finding.remedy:
        yield f"          {finding.remedy}"


def _is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
