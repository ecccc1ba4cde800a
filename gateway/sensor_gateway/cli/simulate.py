"""``simulate``: a configuration on chips in software, for trying it out and for a CI."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import (
    EX_FAILED,
    Subparsers,
    abandon_output,
    add_command,
    add_config,
    config_file,
    ended_by_ctrl_c,
    load_startable,
    say,
    unknown_name,
)

if TYPE_CHECKING:
    from sensor_gateway.service.rehearsal import Outcome

_ABOUT = """\
Plays the configuration on chips in software that answer on the byte level, behind the real drivers and the real
change detection. No broker, secret or device is needed, and time is virtual: it takes a moment, whatever --for says.
Real buses are played too. A first configuration, my.yaml:

  mqtt: {url: mqtt://homeassistant.local}
  sensors:
    attic: {driver: bme280, bus: i2c1}

Prints each event as a line of JSON. Exit code 0 when every published channel gave a value (or, with --expect,
when those named did), 1 when one did not or its driver cannot be used, 78 when the configuration or the scenario is
wrong. By hand and in a CI:

  sensor-gateway simulate my.yaml
  sensor-gateway simulate my.yaml --for 1h --expect attic.temperature > events.jsonl

A scenario drives values over time, and injects faults (nack, crc, stuck, short, silence, unplug, delay, clock_jump):

  values: {attic.temperature: [[0s, 20], [10s, 25]]}
  faults: [{sensor: attic, kind: nack, from: 5s, for: 3s}]
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "simulate",
        summary="try a configuration on simulated chips, without broker or hardware",
        about=_ABOUT,
    )
    add_config(parser)
    parser.add_argument(
        "--for", dest="duration_s", type=duration, default="20s", metavar="TIME", help="how long, like 20s, 5min, 1h"
    )
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="values over time, and faults to inject")
    parser.add_argument(
        "--expect",
        action="append",
        metavar="SENSOR.CHANNEL",
        help="a channel that must give a value, instead of all that are published; repeatable",
    )
    parser.add_argument("--real-time", action="store_true", help="as fast as the wall clock, not faster")
    parser.set_defaults(run=run)


def duration(text: str) -> float:
    """The seconds that ``--for`` asks for."""
    from sensor_gateway.config.values.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text} is no time at all; expected a duration like 20s")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Play; the exit code."""
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.rehearsal import Rehearsal, expected_channels
    from sensor_gateway.service.scenarios import ScenarioFaults, scenario_for

    catalogue = DriverCatalogue()
    startable = load_startable(config_file(arguments), catalogue, needs_broker=False)
    configuration, unread = startable.configuration, {sensor.name: sensor for sensor in startable.unread}
    known = expected_channels(configuration)
    expected = arguments.expect or known
    beyond = {name for name in expected if name.partition(".")[0] in unread}
    unknown = [name for name in expected if name not in known and name not in beyond]
    for name in unknown:
        say(f"--expect: {unknown_name('published channel', name, known)}")
    if unknown:
        return os.EX_USAGE
    try:
        scenario = None if arguments.scenario is None else scenario_for(arguments.scenario, configuration, unread)
    except ScenarioFaults as error:
        say(error)
        return os.EX_CONFIG
    with ended_by_ctrl_c():
        rehearsal = Rehearsal(configuration, catalogue, scenario=scenario, log=open_log(level="error"), write=_write)
        for name in rehearsal.unmodelled:
            say(f"{name} has no model: its vectors are played, one after the other, whatever values a scenario gives")
        outcome = rehearsal.play(arguments.duration_s, _pacer() if arguments.real_time else None)
    for sensor in unread.values():
        say(f"{sensor.name} cannot be simulated: {sensor.reason} ({sensor.place})")
    if not known and not unread:
        say("no sensors yet: add one below `sensors:`; `sensor-gateway drivers` lists what can be read")
    code = _verdict(outcome, [name for name in expected if name not in beyond], arguments.duration_s)
    return EX_FAILED if beyond or (unread and not arguments.expect) else code


def _verdict(outcome: Outcome, expected: list[str], duration_s: float) -> int:
    from sensor_gateway.config.values.units import DURATION

    missing = outcome.missing(expected)
    for name in missing:
        say(f"{name} gave no value in {DURATION.write(duration_s)}: {outcome.reason(name)}")
    return EX_FAILED if missing else os.EX_OK


def _write(event: bytes) -> None:
    try:
        sys.stdout.write(event.decode() + "\n")
    except BrokenPipeError:
        abandon_output()  # nobody reads the rest (`| head`), and the verdict is still wanted


def _pacer() -> Callable[[float], None]:
    """What lets real time pass until a moment of virtual time."""
    import threading
    import time

    started_s, pause = time.monotonic(), threading.Event()

    def pace(moment_s: float) -> None:
        sys.stdout.flush()
        pause.wait(max(0.0, started_s + moment_s - time.monotonic()))

    return pace
