"""``devices``: the device files that a sensor can name."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import (
    EX_FAILED,
    Subparsers,
    add_command,
    add_named_config,
    config_file,
    program,
    say,
    unknown_name,
)

if TYPE_CHECKING:
    from sensor_gateway.config.device_files.shelf import Device, DeviceShelf
    from sensor_gateway.config.sensors.entry import SensorEntry
    from sensor_gateway.config.text.faults import Fault

_ABOUT = """\
Lists the device files, with what they measure and where they are from; or shows one of them, with an example of how a
sensor names it. A device file says what is the same for every device of one make: a register map, a frame, a line.

They are looked for in devices/ beside the configuration, in /etc/sensor-gateway/devices, and among those that come with
this program; of two with one name, the first in this order counts. What they offer as evidence is tried out.

  sensor-gateway devices
  sensor-gateway devices xy-md02
  sensor-gateway devices tx300 --config gateway.yaml

Exit code 1 when one has faults, or its evidence means something else than it says.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One device file, as far as it could be read."""

    name: str
    file: Path
    device: Device | None
    entry: SensorEntry | None
    complaints: tuple[str, ...]


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, "devices", summary="list the device files, or show one with its channels", about=_ABOUT
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the device to show")
    add_named_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per device")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List or show; the exit code."""
    from sensor_gateway.config.device_files.shelf import DeviceShelf, directories_of

    directories = directories_of(config_file(arguments))
    shelf = DeviceShelf(directories)
    files = shelf.files()
    if arguments.name and arguments.name not in files:
        say(_unknown(arguments.name, files, directories, is_default=arguments.config is None))
        return os.EX_USAGE
    code = os.EX_OK
    for name in (arguments.name,) if arguments.name else files:
        judged = _judged(name, shelf)
        for complaint in judged.complaints:
            code = EX_FAILED
            say(complaint)
        if arguments.json:
            print(json.dumps(_facts(judged), ensure_ascii=False))
        elif judged.device is not None:
            print("\n".join(_page(judged)) if arguments.name else _row(judged))
    return code


def _unknown(name: str, files: Iterable[str], directories: Sequence[Path], *, is_default: bool) -> str:
    from sensor_gateway.config.device_files.shelf import SHIPPED
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    if name in DriverCatalogue().names():
        return f"{name} is a driver: `{program()} drivers {name}` shows it"
    places = " and ".join(str(directory) for directory in directories if directory != SHIPPED)
    own = "; for files beside your own configuration, add `--config gateway.yaml`" if is_default else ""
    return f"{unknown_name('device', name, files)}; looked for {name}.yaml in {places}{own}"


def _judged(name: str, shelf: DeviceShelf) -> _Judged:
    from sensor_gateway.config.sensors.reader import SensorReader
    from sensor_gateway.config.settings import DefaultsSection
    from sensor_gateway.config.text.faults import Report
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.testing.device_evidence import disagreements

    report = Report()
    device = shelf.find(name, report)
    entry = None
    if device is not None:
        entry = SensorReader(DriverCatalogue(), shelf, DefaultsSection(), report).judge(device)
    faults: tuple[Fault, ...] = tuple(report.faults)
    complaints = tuple(map(str, faults))
    if device is not None and entry is not None and entry.spec is not None and entry.section is not None:
        found = disagreements(device.about.vectors, entry.spec, entry.section)
        complaints += tuple(f"{device.file}: {sentence}" for sentence in found)
    return _Judged(name=name, file=shelf.files()[name], device=device, entry=entry, complaints=complaints)


def _measures(judged: _Judged) -> str:
    return ", ".join(channel.name for channel in judged.entry.channels) if judged.entry else ""


def _row(judged: _Judged) -> str:
    device = judged.device
    driver = judged.entry.driver if judged.entry else ""
    return f"{judged.name:18} {driver:14} {_measures(judged):28} {device.origin if device else ''}"


def _page(judged: _Judged) -> Iterator[str]:
    device, entry = judged.device, judged.entry
    if device is None or entry is None:
        return
    yield f"{judged.name}: {device.about.title}"
    yield f"  driver     {entry.driver}"
    serial = {field.name: getattr(device.about.serial, field.name) for field in fields(device.about.serial)}
    settings = {key: value for key, value in serial.items() if value is not None}
    if settings:
        yield f"  port       {', '.join(f'{key}: {value}' for key, value in settings.items())}"
    for channel in entry.channels:
        limits = f"{channel.low:g} to {channel.high:g} {channel.quantity.unit}"
        yield f"  channel    {channel.name}: {limits}, resolution {channel.resolution:g}, deadband {channel.deadband:g}"
    for source in device.about.sources:
        yield f"  source     {source}"
    count = len(device.about.vectors)
    yield f"  evidence   {count} tried out, {'all agree' if not judged.complaints else 'see above'}"
    yield f"  file       {judged.file}"
    yield ""
    port = "".join(f", {key}: {value}" for key, value in settings.items())
    yield "  buses:"
    yield f"    my-line: {{type: serial, port: /dev/serial/by-id/name-of-yours{port}}}"
    yield "  sensors:"
    yield "    my-sensor:"
    yield f"      device: {judged.name}"
    yield "      bus: my-line"
    if entry.spec is not None and entry.spec.needs_unit and "unit" not in device.sensor.entries:
        yield "      unit: 1"


def _facts(judged: _Judged) -> dict[str, object]:
    device, entry = judged.device, judged.entry
    return {
        "name": judged.name,
        "title": device.about.title if device else "",
        "driver": entry.driver if entry else "",
        "channels": [channel.name for channel in entry.channels] if entry else [],
        "sources": list(device.about.sources) if device else [],
        "vectors": len(device.about.vectors) if device else 0,
        "origin": device.origin if device else str(judged.file.parent),
        "file": str(judged.file),
        "complaints": list(judged.complaints),
    }
