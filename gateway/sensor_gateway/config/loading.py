"""From files to a configuration, or to all that is wrong with them. Never an exception for what a file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sensor_gateway.config.broker import read_broker
from sensor_gateway.config.broker_checks import check_commands, check_hold
from sensor_gateway.config.buses import read_buses
from sensor_gateway.config.checks import (
    bus_section,
    check_buses,
    check_load,
    check_ports,
    check_sensors,
)
from sensor_gateway.config.device_files.shelf import SHIPPED, DeviceShelf, directories_of
from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.home_assistant import read_home_assistant
from sensor_gateway.config.indentation import ROOT_KEYS, indented_root
from sensor_gateway.config.metrics import read_metrics
from sensor_gateway.config.sections.broker import CommandsSection
from sensor_gateway.config.sensors.reader import SensorReader
from sensor_gateway.config.settings import ClockSection, Configuration, DefaultsSection, GatewaySection, OutboxSection
from sensor_gateway.config.text.faults import Fault, Report, in_order
from sensor_gateway.config.text.files import beside, read_files, read_nodes, read_text
from sensor_gateway.config.text.nodes import NO_ENTRIES, MapNode, Node, ScalarNode, described, plain
from sensor_gateway.config.text.yaml_nodes import parse
from sensor_gateway.config.values.decoder import read_section
from sensor_gateway.config.values.near_miss import is_misspelt
from sensor_gateway.config.values.readers import report_unknown
from sensor_gateway.model.health import UnreadSensor

_SECTIONS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "gateway": GatewaySection,
        "clock": ClockSection,
        "outbox": OutboxSection,
        "commands": CommandsSection,
        "defaults": DefaultsSection,
    }
)
"""What is read by itself, and only where it is written: the rest has ``Configuration``'s defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Startable:
    """What can be run: a configuration, and the sensors that it leaves out, since their drivers cannot be used."""

    configuration: Configuration
    unread: tuple[UnreadSensor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of loading: a configuration exactly where there are no faults.

    ``startable`` is there too where drivers that cannot be used are all that is wrong.
    """

    configuration: Configuration | None
    startable: Startable | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    files: tuple[Path, ...]
    """What was read, in order."""
    devices: tuple[Path, ...]
    """Those of them that are device files."""
    texts: Mapping[Path, str]
    """What stood in them, as far as they could be read."""


def load(
    path: Path | Sequence[Path], *, catalogue: Catalogue, environ: Mapping[str, str], needs_broker: bool = True
) -> Loaded:
    """The configuration in a file and in ``conf.d/*.yaml`` beside it, or in exactly those files of a sequence.

    Without ``needs_broker``, a configuration without ``mqtt:`` is whole.
    """
    files = [path, *beside(path)] if isinstance(path, Path) else list(path)
    report = Report()
    root = read_files(files, environ, report)
    shelves = Shelves(catalogue, DeviceShelf(directories_of(files[0]) if files else (SHIPPED,)))
    return _loaded(root, files, report, shelves, needs_broker=needs_broker)


def load_copies(
    parts: Sequence[Path], texts: Mapping[Path, str], *, catalogue: Catalogue, environ: Mapping[str, str]
) -> Loaded:
    """The configuration in ``parts`` as they once were: what stood in them, and in device files, is in ``texts``."""
    report = Report(texts)
    root = read_files(parts, environ, report)
    shelf = DeviceShelf((SHIPPED,), copies=[file for file in texts if file not in parts])
    return _loaded(root, list(parts), report, Shelves(catalogue, shelf), needs_broker=True)


def load_text(
    text: str,
    *,
    catalogue: Catalogue,
    environ: Mapping[str, str],
    file: Path = Path("gateway.yaml"),
    devices: Sequence[Path] = (SHIPPED,),
    needs_broker: bool = True,
) -> Loaded:
    """The configuration in ``text``, as if it stood in ``file``; ``devices`` are directories of device files."""
    report = Report()
    root = read_nodes(text, file, environ, report)
    return _loaded(root, [file], report, Shelves(catalogue, DeviceShelf(devices)), needs_broker=needs_broker)


def read_plain(file: Path) -> tuple[object, tuple[Fault, ...]]:
    """Another YAML file (a scenario) as dictionaries, lists and values, by the same rules; None beside faults."""
    report = Report()
    text = read_text(file, report)
    root = None if text is None else parse(text, file, report)
    faults = in_order(report.faults, [file])
    return (None if root is None or faults else plain(root)), faults


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where drivers and devices are found."""

    drivers: Catalogue
    devices: DeviceShelf


def _loaded(
    root: Node | None, files: Sequence[Path], report: Report, shelves: Shelves, *, needs_broker: bool
) -> Loaded:
    startable = None if root is None else _startable(root, report, shelves, needs_broker=needs_broker)
    files = (*files, *shelves.devices.read)
    return Loaded(
        configuration=None if report.faults or startable is None else startable.configuration,
        startable=startable if report.is_usable else None,
        faults=in_order(report.faults, files),
        warnings=in_order(report.warnings, files),
        files=tuple(files),
        devices=shelves.devices.read,
        texts=report.texts,
    )


def _startable(node: Node, report: Report, shelves: Shelves, *, needs_broker: bool) -> Startable | None:
    if isinstance(node, ScalarNode) and node.value is None:
        node = MapNode(NO_ENTRIES, node.place)
    if not isinstance(node, MapNode):
        report.fault(node.place, "", f"expected a mapping with `mqtt:`, `sensors:` and so on, got {described(node)}")
        return None
    if any(key not in ROOT_KEYS for key in node.entries):
        node = indented_root(node, report)
    meant = report_unknown(node, "", report, ROOT_KEYS)
    root = _Root(node, {ours: key for ours, key in meant.items() if key == "sensor" or is_misspelt(key, ours)})
    sections = _read_alone(root, report)
    if "mqtt" in root:
        sections["mqtt"] = mqtt = read_broker(*root.found("mqtt"), report)
        if mqtt is not None and isinstance(outbox := sections.get("outbox"), OutboxSection):
            check_hold(outbox, *root.table("outbox"), mqtt, report)
        if mqtt is not None and isinstance(commands := sections.get("commands"), CommandsSection):
            check_commands(commands, *root.table("commands"), mqtt, report)
    elif needs_broker and "mqtt" not in meant and "destinations" not in node.entries:
        report.fault(node.place, "mqtt", "`mqtt` is missing; expected `mqtt: {url: mqtt://BROKER}`")
    if "home_assistant" in root:
        sections["home_assistant"] = read_home_assistant(*root.found("home_assistant"), report, sections.get("mqtt"))
    defaults = sections.get("defaults")
    declared = read_buses(*root.found("buses"), report)
    defaults = defaults if isinstance(defaults, DefaultsSection) else DefaultsSection()
    reader = SensorReader(shelves.drivers, shelves.devices, defaults, report)
    sensors = reader.read(*root.found("sensors"))
    check_buses(declared, report)
    by_bus = check_sensors(sensors, declared, report, are_all_known="buses" in root or "buses" not in meant)
    check_ports(by_bus, declared, report)
    check_load(by_bus, declared, report)
    if not report.is_usable:
        return None
    buses = {name: bus_section(name, declared) for name in (*declared, *by_bus)}
    entries = {sensor.name: sensor.section for sensor in sensors if sensor.unread is None}
    return Startable(
        configuration=Configuration(**{**sections, "buses": buses, "sensors": entries}),  # type: ignore[arg-type] # all were read
        unread=tuple(sensor.unread for sensor in sensors if sensor.unread is not None),
    )


def _read_alone(root: _Root, report: Report) -> dict[str, object]:
    """The sections that are written and need no other."""
    sections: dict[str, object] = {
        key: read_section(section, *root.found(key), report) for key, section in _SECTIONS.items() if key in root
    }
    if "metrics" in root:
        sections["metrics"] = read_metrics(*root.found("metrics"), report)
    return sections


@dataclass(frozen=True, slots=True)
class _Root:
    """The sections of a file, those under a misspelt key among them: that has been reported."""

    node: MapNode
    misspelt: Mapping[str, str]

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries or key in self.misspelt

    def found(self, key: str) -> tuple[Node, str]:
        """The section, empty where it is not written, and its path."""
        written = key if key in self.node.entries else self.misspelt.get(key, key)
        entry = self.node.entries.get(written)
        return (entry.node if entry else MapNode(NO_ENTRIES, self.node.place)), written

    def table(self, key: str) -> tuple[MapNode, str]:
        """The section as a mapping, and its path."""
        node, path = self.found(key)
        return (node if isinstance(node, MapNode) else MapNode(NO_ENTRIES, node.place)), path
