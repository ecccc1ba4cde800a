"""The ``sensors:`` section: each sensor by the options and channels of its driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sensor_gateway.changes.rules import Absolute
from sensor_gateway.config.drivers import OBJECTIONS, Catalogue, DriverShelf
from sensor_gateway.config.settings import ChannelSection, DefaultsSection, SensorSection
from sensor_gateway.config.text.faults import Place, Report
from sensor_gateway.config.text.nodes import NO_ENTRIES, MapNode, Node, ScalarNode, joined
from sensor_gateway.config.values.decoder import construct, fields_of, read_fields, read_section
from sensor_gateway.config.values.near_miss import expectation
from sensor_gateway.config.values.readers import (
    INVALID,
    as_map,
    report_about,
    report_bad_name,
    report_unknown,
)
from sensor_gateway.config.wiring import read_wiring
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import DriverSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorEntry:
    """A sensor that was read, with its driver and its place, for the checks across sensors."""

    section: SensorSection
    spec: DriverSpec
    channels: tuple[Channel, ...]
    table: MapNode
    path: str

    def place(self, key: str) -> Place:
        """Where ``key`` is written, else where the sensor begins."""
        entry = self.table.entries.get(key)
        return entry.node.place if entry else self.table.place


class SensorReader:
    """Reads sensors one by one; faults go to the report."""

    def __init__(self, catalogue: Catalogue, defaults: DefaultsSection, report: Report) -> None:
        """Drivers come from ``catalogue``, and what is not written from ``defaults``."""
        self._shelf = DriverShelf(catalogue)
        self._defaults = defaults
        self._report = report
        self._keys = fields_of(SensorSection)

    def read(self, node: Node, path: str) -> list[SensorEntry]:
        """Those sensors of the section ``node`` that are whole."""
        table = as_map(node, path, self._report)
        read = []
        for name, entry in (table.entries if table else NO_ENTRIES).items():
            here = joined(path, name)
            report_bad_name(entry.place, name, here, self._report)
            inner = as_map(entry.node, here, self._report)
            if inner is not None:
                read.append(self._sensor(name, MapNode(inner.entries, entry.place), here))
        return [sensor for sensor in read if sensor is not None]

    def _sensor(self, name: str, table: MapNode, path: str) -> SensorEntry | None:
        before = len(self._report.faults)
        driver = _text(table, "driver")
        spec = self._spec(driver, table, path)
        common = self._common(spec, table, path)
        options = self._options(spec, table, path) if spec else INVALID
        channels = self._channels(spec, driver, options, table, path) if spec and options is not INVALID else None
        heartbeat = common["heartbeat"] if common else self._defaults.heartbeat
        sections = self._sections(table, joined(path, "channels"), channels, heartbeat)
        wiring = read_wiring(spec, driver, table, path, self._report, common or {}) if spec else {}
        if spec is None or common is None or channels is None or INVALID in sections.values():
            return None
        if len(self._report.faults) > before:
            return None
        values = {**common, **wiring, "name": name, "options": options, "channels": sections}
        section = cast("SensorSection", construct(SensorSection, values, table, path, self._report))  # nothing objects
        return SensorEntry(section=section, spec=spec, channels=channels, table=table, path=path)

    def _spec(self, driver: str, table: MapNode, path: str) -> DriverSpec | None:
        if not driver:
            return None
        found = self._shelf.find(driver)
        if isinstance(found, str):
            self._report.fault(table.entries["driver"].node.place, joined(path, "driver"), found)
            return None
        return found

    def _common(self, spec: DriverSpec | None, table: MapNode, path: str) -> dict[str, object] | None:
        """The keys that every sensor has. Options of an unknown driver are not judged."""
        given: dict[str, object] = {"interval": self._defaults.interval, "heartbeat": self._defaults.heartbeat}
        keys = {key: field for key, field in self._keys.items() if key != "channels"}
        if spec or "driver" not in table.entries:
            known = (*self._keys, *(fields_of(spec.options) if spec else ()))
            given |= dict.fromkeys(report_unknown(table, path, self._report, known), INVALID)
        if "device" in table.entries:
            given["driver"] = INVALID
        return read_fields(keys, table, path, self._report, given)

    def _options(self, spec: DriverSpec, table: MapNode, path: str) -> object:
        values = read_fields(fields_of(spec.options), table, path, self._report)
        options = INVALID if values is None else construct(spec.options, values, table, path, self._report)
        if options is INVALID or spec.check is None:
            return options
        try:
            sentences = tuple(spec.check(options))
        except OBJECTIONS as error:
            sentences = (str(error),)
        for sentence in sentences:
            report_about(sentence, table, path, self._report)
        return INVALID if sentences else options

    def _channels(
        self, spec: DriverSpec, driver: str, options: object, table: MapNode, path: str
    ) -> tuple[Channel, ...] | None:
        if spec.channels_of is None:
            return spec.variants[driver].channels
        try:
            channels = tuple(spec.channels_of(options))
        except OBJECTIONS as error:
            report_about(str(error), table, path, self._report)
            return None
        for channel in channels:
            place, where = _place_of_name(channel.name, table, path)
            report_bad_name(place, channel.name, where, self._report)
        return channels

    def _sections(
        self, table: MapNode, path: str, channels: tuple[Channel, ...] | None, heartbeat: object
    ) -> dict[str, object]:
        """A section for each channel, written or not; where the channels are not known, for the written ones."""
        entry = table.entries.get("channels")
        written = as_map(entry.node, path, self._report) if entry else None
        entries = written.entries if written else NO_ENTRIES
        deadbands = {channel.name: channel.deadband for channel in channels or ()}
        if channels is None:
            deadbands = dict.fromkeys(entries, 0.0)
        for name, inner in entries.items():
            if name not in deadbands:
                message = f"unknown channel `{name[:60]}`; {expectation(name, deadbands)}"
                self._report.fault(inner.place, joined(path, name), message)
        nothing = MapNode(NO_ENTRIES, table.place)
        return {
            name: read_section(
                ChannelSection,
                entries[name].node if name in entries else nothing,
                joined(path, name),
                self._report,
                {"heartbeat": heartbeat, "deadband": Absolute(by=deadband)},
            )
            for name, deadband in deadbands.items()
        }


def _text(table: MapNode, key: str) -> str:
    entry = table.entries.get(key)
    node = entry.node if entry else None
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""


def _place_of_name(name: str, table: MapNode, path: str) -> tuple[Place, str]:
    for key, entry in table.entries.items():
        if key != "channels" and isinstance(entry.node, MapNode) and name in entry.node.entries:
            return entry.node.entries[name].place, joined(joined(path, key), name)
    return table.place, path
