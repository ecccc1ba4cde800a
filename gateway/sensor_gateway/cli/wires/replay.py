"""``replay``: a recording through the drivers that are installed here."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import EX_FAILED, Subparsers, abandon_output, add_command, say

if TYPE_CHECKING:
    from sensor_gateway.config.settings import Configuration
    from sensor_gateway.testing.recording_file import RecordingFile
    from sensor_gateway.testing.replaying import Replayed
    from sensor_gateway.testing.watching import Measurement

_ABOUT = """\
Plays a file that `sensor-gateway record` wrote through the real drivers and the real change detection, in virtual
time, and prints each measurement, or with --events what would be published. Where a driver asks for something else
than was recorded, that is told on standard error: it was changed since, or it depends on more than its bus.

  sensor-gateway replay attic.jsonl
  sensor-gateway replay attic.jsonl --events
  sensor-gateway replay attic.jsonl --vector

With --vector, the last good measurement of each sensor as a `Vector(...)` for the VECTORS of its driver. Exit code 1
when there was a difference or nothing was measured (--vector: when the frames could not be told), 66 when there is no
such recording, 78 when its drivers or options are not those that are installed here.
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "replay", summary="play a recording through the drivers", about=_ABOUT)
    parser.add_argument("recording", type=Path, metavar="FILE", help="what `record` wrote")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--events", action="store_true", help="each event as one line of JSON")
    form.add_argument("--vector", action="store_true", help="a vector for the driver, as lines of Python")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay; the exit code."""
    from sensor_gateway.cli.arguments import ended_by_ctrl_c
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.plans import sensor_plans
    from sensor_gateway.testing.recording_file import NotARecording, read_recording
    from sensor_gateway.testing.replaying import configuration_of, replayed

    try:
        recording = read_recording(arguments.recording)
    except NotARecording as error:
        say(f"sensor-gateway: {error}")
        return os.EX_NOINPUT
    except OSError as error:
        say(f"sensor-gateway: {arguments.recording} cannot be replayed: {_reason(error)}")
        return os.EX_NOINPUT
    catalogue = DriverCatalogue()
    configuration = configuration_of(recording, catalogue)
    with ended_by_ctrl_c():
        result = replayed(recording, sensor_plans(configuration, catalogue), slack_s=configuration.gateway.slack)
    if arguments.vector:
        return _print_vectors(recording, configuration, result)
    for line in _events(result, configuration) if arguments.events else map(_line, result.measurements):
        try:
            print(line)
        except BrokenPipeError:
            abandon_output()
    sys.stdout.flush()
    for difference in result.differences:
        say(difference)
    is_measured = any(measurement.values is not None for measurement in result.measurements)
    return os.EX_OK if is_measured and not result.differences else EX_FAILED


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; `sensor-gateway record` writes one"
    if isinstance(error, IsADirectoryError):
        return "it is a directory"
    return str(error.strerror)


def _events(result: Replayed, configuration: Configuration) -> Iterator[str]:
    from sensor_gateway.model.event_json import EventEncoder
    from sensor_gateway.service.rehearsal import BOOT, EPOCH

    encoder = EventEncoder(configuration.gateway.id or "gateway", BOOT)
    for seq, event in enumerate(result.events, 1):
        yield encoder.value(event, str(EPOCH), seq).decode()


def _line(measurement: Measurement) -> str:
    from sensor_gateway.changes.grid import Grid
    from sensor_gateway.sensing.driver_fault import facts_of
    from sensor_gateway.service.logs import escape

    plan = measurement.plan
    head = f"{measurement.passed_s:10.3f} s  {plan.name:16}"
    if measurement.error is not None:
        code, sentence = facts_of(measurement.error)
        return escape(f"{head}  no value ({code}): {sentence}")
    channels = {planned.source.channel.name: planned.source.channel for planned in plan.channels}
    shown = []
    for name, value in (measurement.values or {}).items():
        channel = channels.get(name)
        rounded = value if channel is None else Grid(channel.resolution).rounded(value)
        shown.append(f"{name} {rounded} {channel.quantity.unit if channel is not None else ''}".rstrip())
    return escape(f"{head}  {', '.join(shown)}")


def _print_vectors(recording: RecordingFile, configuration: Configuration, result: Replayed) -> int:
    from sensor_gateway.config.show import written_sensor
    from sensor_gateway.testing.vector_finding import vector_of, vector_source

    good = {measurement.plan.name: measurement for measurement in result.measurements if measurement.values is not None}
    code = os.EX_OK if good else EX_FAILED
    if good:
        print("# The values are what this driver made of the bytes: check them against another instrument or library.")
    for name, measurement in good.items():
        source = f"recorded from a {measurement.part} on {_date(recording)}, sensor-gateway {recording.header.program}"
        vector = vector_of(measurement, source=source, written=written_sensor(configuration.sensors[name]))
        if vector is not None:
            print("\n".join(vector_source(vector)))
            continue
        code = EX_FAILED
        reads = "; ".join(read.hex(" ") for read in measurement.reads[-8:])
        say(f"{name}: no frames were found from which `replay` makes these values; what was read last: {reads}")
    if not good:
        say("the recording has no good measurement, and so no vector")
    return code


def _date(recording: RecordingFile) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(recording.header.began.wall_ms / 1000, UTC).strftime("%Y-%m-%d")
