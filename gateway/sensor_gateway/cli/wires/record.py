"""``record``: what goes over a bus, into a file that can be replayed anywhere."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sensor_gateway.cli.arguments import (
    Subparsers,
    add_command,
    add_named_config,
    config_file,
    load_startable,
    say,
    unknown_name,
)
from sensor_gateway.cli.simulate import duration

_ABOUT = """\
Reads a sensor, or all sensors of a bus, as the daemon would, and writes every transfer into a new file: bytes, errors
and times, the configuration of the bus and its sensors, and the versions. No event is published and no secret is in
it. Ctrl-C ends it early. Stop the daemon first: it owns its buses. A simulated bus is recorded in virtual time.

  sensor-gateway record attic attic.jsonl --config my.yaml
  sensor-gateway record i2c1 bus.jsonl --for 5min --config my.yaml

What to do with it: `sensor-gateway replay --help`. Exit code 1 when no measurement was good, 73 when the file cannot
be created (it must be new), 75 when another process owns the bus, 77 when it may not be used.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "record", summary="write what goes over a bus into a file", about=_ABOUT)
    parser.add_argument("name", metavar="SENSOR|BUS", help="a sensor or a bus, as the configuration names it")
    parser.add_argument("out", type=Path, metavar="FILE", help="the new file")
    parser.add_argument(
        "--for", dest="duration_s", type=duration, default="60s", metavar="TIME", help="how long, like 20s, 5min, 1h"
    )
    add_named_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Record; the exit code."""
    from sensor_gateway.cli.wires.recorder import HEARD, Recorder
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    catalogue = DriverCatalogue()
    configuration = load_startable(config_file(arguments), catalogue, needs_broker=False).configuration
    buses = {sensor: section.bus for sensor, section in configuration.sensors.items()}
    name = arguments.name
    sensors = [name] if name in buses else [sensor for sensor, bus in buses.items() if bus == name]
    if not sensors:
        say(unknown_name("sensor, or bus with a sensor", name, [*buses, *dict.fromkeys(buses.values())]))
        return os.EX_USAGE
    unheard = [sensor for sensor in sensors if catalogue.spec(configuration.sensors[sensor].driver).bus not in HEARD]
    if unheard:
        say(f"{unheard[0]} is on neither an I2C bus nor a serial line: there is nothing of it to record")
        return os.EX_USAGE
    try:
        out = arguments.out.open("x", encoding="utf-8")
    except OSError as error:
        say(f"sensor-gateway: {arguments.out} cannot be created ({error.strerror}): a recording goes into a new file")
        return os.EX_CANTCREAT
    recorder = Recorder(configuration, catalogue, bus=buses[sensors[0]], sensors=sensors)
    with out:
        code = recorder.record(out, arguments.duration_s)
    if recorder.is_empty:
        arguments.out.unlink()
    else:
        say(recorder.summary(arguments.out))
    return code
