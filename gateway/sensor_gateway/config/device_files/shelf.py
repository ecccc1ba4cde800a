"""Where device files are found: by name, in the first directory that has one.

Knows files and their two halves; whether the sensor's half is right is judged by the reader of sensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, cast

from sensor_gateway.config.device_files.sections import AboutDevice
from sensor_gateway.config.settings import SensorSection
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.files import read_text
from sensor_gateway.config.text.nodes import Entry, MapNode, joined
from sensor_gateway.config.text.yaml_nodes import parse
from sensor_gateway.config.values.decoder import read_section
from sensor_gateway.config.values.near_miss import expectation, listed, near_miss
from sensor_gateway.config.values.readers import INVALID, as_map

SHIPPED: Final = Path(__file__).parents[1] / "devices"
"""The device files that come with this program."""

INSTALLED: Final = Path("/etc/sensor-gateway/devices")

ABOUT_KEYS: Final = tuple(field.name for field in fields(AboutDevice))
_SENSOR_KEYS: Final = frozenset(field.name for field in fields(SensorSection)) - {"name", "options"}
_OF_THE_SENSOR: Final = ("bus", "label", "device")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device file that could be read: what it says about itself, and its keys of a sensor, each with its place."""

    name: str
    file: Path
    about: AboutDevice
    sensor: MapNode

    @property
    def origin(self) -> str:
        """Who brought it: ``shipped``, or its directory."""
        return "shipped" if self.file.parent == SHIPPED else str(self.file.parent)


class DeviceShelf:
    """Device files by name. Each one is read when it is first asked for, and its faults go to that report."""

    def __init__(self, directories: Sequence[Path], copies: Sequence[Path] = ()) -> None:
        """A name in several of the ``directories`` is that of the first; those that are not there hold nothing.

        ``copies`` are files of which the report has the text: they come before all others.
        """
        self._directories = directories
        self._copies = copies
        self._files: Mapping[str, Path] | None = None
        self._found: dict[str, Device | None] = {}

    @property
    def read(self) -> tuple[Path, ...]:
        """The files that were asked for."""
        return tuple(self.files()[name] for name in self._found)

    def files(self) -> Mapping[str, Path]:
        """The file of each name, sorted by name."""
        if self._files is None:
            found: dict[str, Path] = {}
            for directory in reversed(self._directories):
                found |= {file.stem: file for file in _yaml_files(directory) if _NAME.fullmatch(file.stem)}
            found |= {file.stem: file for file in self._copies}
            self._files = dict(sorted(found.items()))
        return self._files

    def unknown(self, name: str) -> str:
        """The sentence about a name that no file has."""
        names = self.files()
        meant = near_miss(name, names)
        hint = f"did you mean `{meant}`? " if meant else ""
        known = f"There are {listed(names)}" if names else "There are none"
        places = ", ".join(str(place) for place in self._directories if place != SHIPPED)
        more = f"; a file {name[:60]}.yaml in {places} makes one" if places and _NAME.fullmatch(name) else ""
        return f"unknown device `{name[:60]}`; {hint}{known}{more}"

    def find(self, name: str, report: Report) -> Device | None:
        """The device of a name that has a file; None where that cannot be read, beside the faults in it."""
        if name not in self._found:
            self._found[name] = _read(name, self.files()[name], report)
        return self._found[name]


def directories_of(configuration: Path) -> tuple[Path, ...]:
    """Where a configuration's devices are looked for: beside it, in /etc, and among those that are shipped."""
    return tuple(dict.fromkeys((configuration.parent / "devices", INSTALLED, SHIPPED)))


def _yaml_files(directory: Path) -> list[Path]:
    try:
        return [file for file in directory.iterdir() if file.suffix == ".yaml"]
    except OSError:
        return []


def _read(name: str, file: Path, report: Report) -> Device | None:
    before = len(report.faults)
    text = read_text(file, report)
    root = None if text is None else parse(text, file, report)
    table = None if root is None else as_map(root, "", report)
    if table is None:
        return None
    for key in _OF_THE_SENSOR:
        if key in table.entries:
            report.fault(table.entries[key].place, key, f"`{key}` is said by each sensor; remove it here")
    about, sensor = _halves(table, report)
    read = read_section(AboutDevice, about, "", report)
    if read is INVALID or len(report.faults) > before:
        return None
    return Device(name=name, file=file, about=cast("AboutDevice", read), sensor=sensor)  # read by its own type


def _halves(table: MapNode, report: Report) -> tuple[MapNode, MapNode]:
    about = {key: entry for key, entry in table.entries.items() if key in ABOUT_KEYS}
    sensor: dict[str, Entry] = {}
    for key, entry in table.entries.items():
        if key in about or key in _OF_THE_SENSOR:
            continue
        free = [ours for ours in ABOUT_KEYS if ours not in about]
        if key not in _SENSOR_KEYS and near_miss(key, free):
            report.fault(entry.place, joined("", key), f"unknown key `{key[:60]}`; {expectation(key, free)}")
            about[near_miss(key, free) or key] = entry
        else:
            sensor[key] = entry
    return MapNode(about, table.place), MapNode(sensor, table.place)


def laid_over(own: MapNode, below: MapNode) -> MapNode:
    """``below`` with what ``own`` says in its place: mappings key by key, all else as a whole."""
    entries = dict(below.entries)
    for key, entry in own.entries.items():
        lower = entries.get(key)
        if lower is not None and isinstance(entry.node, MapNode) and isinstance(lower.node, MapNode):
            entries[key] = Entry(entry.place, laid_over(entry.node, lower.node))
        else:
            entries[key] = entry
    return MapNode(entries, own.place)
