"""From files to a configuration, or to all that is wrong with them. Never an exception for what a file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from sensor_gateway.config.buses import read_buses
from sensor_gateway.config.checks import bus_section, check_buses, check_later, check_load, check_sensors, checked_mqtt
from sensor_gateway.config.decoder import fields_of, read_section
from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.environment import resolve
from sensor_gateway.config.faults import Fault, Place, Report, in_order
from sensor_gateway.config.merging import merge
from sensor_gateway.config.nodes import MapNode, Node, ScalarNode, described, plain
from sensor_gateway.config.readers import INVALID, NO_ENTRIES, report_unknown
from sensor_gateway.config.sensors import SensorReader
from sensor_gateway.config.settings import Configuration, DefaultsSection, MqttSection, OutboxSection
from sensor_gateway.config.yaml_nodes import parse

MAX_SIZE: Final = 4_000_000
"""Bytes that a configuration file may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of loading: a configuration exactly where there are no faults."""

    configuration: Configuration | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    files: tuple[Path, ...]
    """What was read, in order."""


def load(
    path: Path | Sequence[Path], *, catalogue: Catalogue, environ: Mapping[str, str], needs_broker: bool = True
) -> Loaded:
    """The configuration in a file and in ``conf.d/*.yaml`` beside it, or in exactly those files of a sequence.

    Without ``needs_broker``, a configuration without ``mqtt:`` is whole.
    """
    files = [path, *_parts(path)] if isinstance(path, Path) else list(path)
    report = Report()
    roots = [root for root in (_root(file, environ, report) for file in files) if root is not None]
    configuration = None
    if len(roots) == len(files) and roots:
        configuration = _configuration(merge(roots, report), report, catalogue, needs_broker=needs_broker)
    return Loaded(
        configuration=None if report.faults else configuration,
        faults=in_order(report.faults, files),
        warnings=in_order(report.warnings, files),
        files=tuple(files),
    )


def load_text(
    text: str,
    *,
    catalogue: Catalogue,
    environ: Mapping[str, str],
    file: Path = Path("gateway.yaml"),
    needs_broker: bool = True,
) -> Loaded:
    """The configuration in ``text``, as if it stood in ``file``."""
    report = Report()
    root = _nodes(text, file, environ, report)
    configuration = None if root is None else _configuration(root, report, catalogue, needs_broker=needs_broker)
    return Loaded(
        configuration=None if report.faults else configuration,
        faults=in_order(report.faults, [file]),
        warnings=in_order(report.warnings, [file]),
        files=(file,),
    )


def read_plain(file: Path) -> tuple[object, tuple[Fault, ...]]:
    """Another YAML file (a scenario) as dictionaries, lists and values, by the same rules; None beside faults."""
    report = Report()
    text = _text(file, report)
    root = None if text is None else parse(text, file, report)
    faults = in_order(report.faults, [file])
    return (None if root is None or faults else plain(root)), faults


def _parts(path: Path) -> list[Path]:
    try:
        return sorted(part for part in (path.parent / "conf.d").glob("*.yaml") if not part.name.startswith("."))
    except OSError:
        return []


def _root(file: Path, environ: Mapping[str, str], report: Report) -> Node | None:
    text = _text(file, report)
    return None if text is None else _nodes(text, file, environ, report)


def _text(file: Path, report: Report) -> str | None:
    place = Place(file, 1, 1)
    try:
        with file.open("rb") as source:
            content = source.read(MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        report.fault(place, "", f"the file cannot be read: {reason}")
        return None
    if len(content) > MAX_SIZE:
        report.fault(place, "", f"the file is too large; expected at most {MAX_SIZE // 1_000_000}MB")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        report.fault(Place(file, line, column), "", "this is not UTF-8; expected the file to be saved as UTF-8")
        return None


def _nodes(text: str, file: Path, environ: Mapping[str, str], report: Report) -> Node | None:
    root = parse(text, file, report)
    return resolve(root, environ, report) if root is not None and "${" in text else root


def _configuration(node: Node, report: Report, catalogue: Catalogue, *, needs_broker: bool) -> Configuration | None:
    if isinstance(node, ScalarNode) and node.value is None:
        node = MapNode(NO_ENTRIES, node.place)
    if not isinstance(node, MapNode):
        report.fault(node.place, "", f"expected a mapping with `mqtt:`, `sensors:` and so on, got {described(node)}")
        return None
    meant = report_unknown(node, "", report, fields_of(Configuration))
    sections: dict[str, object] = {}
    for key in ("gateway", "clock", "outbox", "defaults"):
        field = fields_of(Configuration)[key]
        sections[key] = field.read(_section(node, key), key, report)
    if isinstance(sections["outbox"], OutboxSection):
        check_later(sections["outbox"], _table(node, "outbox"), "outbox", report)
    is_excused = not needs_broker or "mqtt" in meant or "destinations" in node.entries
    sections["mqtt"] = _mqtt(node, report, is_excused=is_excused)
    defaults = sections["defaults"] if sections["defaults"] is not INVALID else DefaultsSection()
    declared = read_buses(_section(node, "buses"), "buses", report)
    reader = SensorReader(catalogue, cast("DefaultsSection", defaults), report)  # read by that type
    sensors = reader.read(_section(node, "sensors"), "sensors")
    check_buses(declared, report)
    by_bus = check_sensors(sensors, declared, report)
    check_load(by_bus, declared, report)
    if report.faults:
        return None
    buses = {name: bus_section(name, declared) for name in (*declared, *by_bus)}
    entries = {sensor.section.name: sensor.section for sensor in sensors}
    return Configuration(**{**sections, "buses": buses, "sensors": entries})  # type: ignore[arg-type] # all were read


def _section(root: MapNode, key: str) -> Node:
    entry = root.entries.get(key)
    return entry.node if entry else MapNode(NO_ENTRIES, root.place)


def _table(root: MapNode, key: str) -> MapNode:
    node = _section(root, key)
    return node if isinstance(node, MapNode) else MapNode(NO_ENTRIES, node.place)


def _mqtt(root: MapNode, report: Report, *, is_excused: bool) -> MqttSection | None:
    if "mqtt" not in root.entries:
        if not is_excused:
            report.fault(root.place, "mqtt", "`mqtt` is missing; expected `mqtt: {url: mqtt://BROKER}`")
        return None
    section = read_section(MqttSection, root.entries["mqtt"].node, "mqtt", report)
    return checked_mqtt(section, _table(root, "mqtt"), "mqtt", report) if isinstance(section, MqttSection) else None
