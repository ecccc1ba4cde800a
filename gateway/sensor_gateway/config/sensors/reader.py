"""The ``sensors:`` section: each sensor by the options and channels of its driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sensor_gateway.changes.rules import Absolute
from sensor_gateway.config.buses import bus_alone
from sensor_gateway.config.device_files.shelf import Device, DeviceShelf, laid_over
from sensor_gateway.config.drivers import Catalogue, DriverFailed, DriverShelf, code_of, sentences_of, told_apart
from sensor_gateway.config.indentation import (
    CHANNEL_KEYS,
    SENSOR_KEYS,
    belonging,
    indented_members,
    is_channel,
    is_sensor,
)
from sensor_gateway.config.sensors.entry import (
    SensorEntry,
    driver_written,
    listed_sensor,
    place_of_driver,
    place_of_name,
    unread_sensor,
    with_named_bus,
)
from sensor_gateway.config.sensors.strangers import judged_keys, names_written
from sensor_gateway.config.sensors.wiring import check_unnamed, read_wiring
from sensor_gateway.config.settings import ChannelSection, DefaultsSection, SensorSection
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import NO_ENTRIES, Entry, ListNode, MapNode, Node, ScalarNode, joined
from sensor_gateway.config.values.decoder import construct, fields_of, judge_meant, read_fields, read_section
from sensor_gateway.config.values.near_miss import expectation
from sensor_gateway.config.values.objections import OBJECTIONS
from sensor_gateway.config.values.readers import INVALID, as_map, report_about, report_bad_name
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec
from sensor_gateway.model.errors import message_of


class SensorReader:
    """Reads sensors one by one; faults go to the report."""

    def __init__(self, catalogue: Catalogue, devices: DeviceShelf, defaults: DefaultsSection, report: Report) -> None:
        """Drivers come from ``catalogue``, and what is not written from ``devices`` and from ``defaults``."""
        self._shelf = DriverShelf(catalogue)
        self._devices = devices
        self._judged: dict[str, bool] = {}
        self._defaults = defaults
        self._report = report
        self._common = {key: field for key, field in fields_of(SensorSection).items() if key != "channels"}

    def read(self, node: Node, path: str) -> list[SensorEntry]:
        """The sensors of the section ``node``, those with faults as far as they could be read."""
        if isinstance(node, ListNode):
            return self._list(node, path)
        table = as_map(node, path, self._report)
        if table is None:
            return []
        table = indented_members(table, path, self._report, SENSOR_KEYS, is_sensor)
        nameless = [key for key in table.entries if key in SENSOR_KEYS and not is_sensor(table.entries[key].node)]
        if nameless:
            message = f"{belonging(nameless)} below the name of a sensor, indented, like `attic: {{driver: bme280}}`"
            self._report.fault(table.entries[nameless[0]].place, joined(path, nameless[0]), message)
        read = []
        for name, entry in table.entries.items():
            if name in nameless:
                continue
            here = joined(path, name)
            report_bad_name(entry.place, name, here, self._report)
            inner = as_map(entry.node, here, self._report)
            if inner is not None:
                read.append(self._sensor(name, with_named_bus(MapNode(inner.entries, entry.place)), here))
        return read

    def _list(self, node: ListNode, path: str) -> list[SensorEntry]:
        listed = [listed_sensor(item) if isinstance(item, MapNode) else ("", item) for item in node.items]
        message = "expected names, not a list: `sensors:`, and below it, indented, `attic: {driver: bme280, bus: i2c1}`"
        self._report.fault(node.place, path, message)
        for index, (name, _) in enumerate(listed):
            if name:
                report_bad_name(node.items[index].place, name, f"{path}[{index}].name", self._report)
        items = [(f"{path}[{index}]", item) for index, (_, item) in enumerate(listed)]
        tables = [(here, as_map(item, here, self._report)) for here, item in items]
        return [self._sensor(here, with_named_bus(table), here) for here, table in tables if table is not None]

    def _sensor(self, name: str, table: MapNode, path: str) -> SensorEntry:
        before = len(self._report.faults)
        device, place = None, table.place
        if "device" in table.entries:
            place = table.entries["device"].node.place
            device, table = self._over_device(table, path)
        written = driver_written(table)
        spec, driver = self._spec(written, table, path)
        table, meant = judged_keys(table, path, self._report, spec, driver)
        why = self._shelf.why_unusable(written)
        is_alone = spec is not None and spec.bus is BusKind.SYSFS
        given = {"bus": bus_alone(name)} if is_alone else dict.fromkeys(["bus"] if why else [], INVALID)
        common = self._read_common(meant, table, path, given)
        options, channels, failure = self._by_driver(spec, driver, meant, table, path)
        known = names_written(spec, driver, table) if channels is None and spec else None
        sections = self._sections(table, joined(path, "channels"), channels, known, common["heartbeat"])
        values = {**common, "name": name, "options": options, "channels": sections}
        if spec:
            values["address"] = read_wiring(spec, driver, table, path, self._report, common)
        else:
            check_unnamed(table, path, self._report, common.get("address"))
        is_whole = channels is not None and INVALID not in values.values() and INVALID not in sections.values()
        bus, section = common.get("bus"), None
        if is_whole and len(self._report.faults) == before:
            built = construct(SensorSection, values, table, path, self._report)
            section = cast("SensorSection", built)  # nothing objects
        return SensorEntry(
            name=name,
            section=section,
            unread=unread_sensor(name, driver, why or failure, table, common),
            driver=driver,
            spec=spec,
            bus=bus if isinstance(bus, str) else None,
            number=_number(values.get("unit")) if spec and spec.needs_unit else _number(values.get("address")) or None,
            channels=channels or (),
            table=table,
            path=path,
            device=device,
            device_place=place,
        )

    def judge(self, device: Device) -> SensorEntry:
        """A sensor that says nothing but the name of ``device`` and what each has to say itself."""
        spec = self._shelf.find(driver_written(device.sensor))
        place = device.sensor.place
        own = {"bus": Entry(place, ScalarNode("bus", "bus", is_quoted=False, place=place))}
        if isinstance(spec, DriverSpec) and spec.needs_unit:
            own["unit"] = Entry(place, ScalarNode(1, "1", is_quoted=False, place=place))
        return self._sensor(device.name, MapNode({**own, **device.sensor.entries}, place), "")

    def _over_device(self, table: MapNode, path: str) -> tuple[Device | None, MapNode]:
        """The device that ``table`` names, and its own keys over those of the device; None where that is not right."""
        node = table.entries["device"].node
        name = node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
        if name not in self._devices.files():
            if name:
                is_driver = self._shelf.knows(name)
                message = f"`{name}` is a driver: write `driver: {name}`"
                message = message if is_driver else self._devices.unknown(name)
                self._report.fault(node.place, joined(path, "device"), message)
            return None, table
        device = self._devices.find(name, self._report)
        if device is not None and self._shelf.why_unusable(driver_written(device.sensor)):
            self._judged[name] = True  # as far as can be told
        elif device is not None and name not in self._judged:
            before = len(self._report.faults)
            self.judge(device)
            self._judged[name] = len(self._report.faults) == before
        if device is None or not self._judged[name]:
            return None, table
        if "driver" in table.entries:
            message = f"`device: {name}` says the driver; remove `driver`, or `device`"
            self._report.fault(table.entries["driver"].place, joined(path, "driver"), message)
        own = {key: entry for key, entry in table.entries.items() if key not in ("device", "driver")}
        return device, laid_over(MapNode(own, table.place), device.sensor)

    def _spec(self, driver: str, table: MapNode, path: str) -> tuple[DriverSpec | None, str]:
        """The driver that is written, or else the one that is meant: the rest of the sensor is judged by it."""
        entry = table.entries.get("driver")
        if not driver:
            if entry and isinstance(entry.node, ScalarNode) and entry.node.value == "":
                message = "expected the name of a driver, got an empty text; `sensor-gateway drivers` lists them"
                self._report.fault(entry.node.place, joined(path, "driver"), message)
            return None, driver
        found = self._shelf.find(driver)
        if not isinstance(found, str):
            return found, driver
        if entry:
            is_device = driver in self._devices.files() and not self._shelf.knows(driver)
            message = f"`{driver}` is a device file: write `device: {driver}`" if is_device else found
            note = self._report.driver_fault if self._shelf.knows(driver) else self._report.fault
            note(entry.node.place, joined(path, "driver"), message)
        meant = self._shelf.meant_by(driver)
        other = self._shelf.find(meant) if meant else None
        return (None, driver) if other is None or isinstance(other, str) else (other, meant)

    def _read_common(
        self, meant: Mapping[str, str], table: MapNode, path: str, given: Mapping[str, object]
    ) -> dict[str, object]:
        """The keys that every sensor has."""
        given = {**given, "interval": self._defaults.interval, "heartbeat": self._defaults.heartbeat}
        ours = {name: key for name, key in meant.items() if name in self._common}
        judge_meant(self._common, ours, table, path, self._report)
        given |= dict.fromkeys(meant, INVALID)
        if "device" in table.entries:
            given["driver"] = INVALID
        return read_fields(self._common, table, path, self._report, given)

    def _by_driver(
        self, spec: DriverSpec | None, driver: str, meant: Mapping[str, str], table: MapNode, path: str
    ) -> tuple[object, tuple[Channel, ...] | None, str]:
        """The options of a sensor and its channels, and how the driver's own code failed on them."""
        if spec is None:
            return INVALID, None, ""
        try:
            options = self._options(spec, driver, meant, table, path)
            channels = None if options is INVALID else self._channels(spec, driver, options, table, path)
        except DriverFailed as error:
            self._report.driver_fault(place_of_driver(table), joined(path, "driver"), str(error))
            return INVALID, None, str(error)
        return options, channels, ""

    def _options(self, spec: DriverSpec, driver: str, meant: Mapping[str, str], table: MapNode, path: str) -> object:
        fields = fields_of(spec.options)
        ours = {name: key for name, key in meant.items() if name in fields}
        with code_of(driver):  # of its options, and of what stands in them
            judge_meant(fields, ours, table, path, self._report)
            values = read_fields(fields, table, path, self._report, dict.fromkeys(ours, INVALID))
            options = construct(spec.options, values, table, path, self._report)
        if options is INVALID:
            return options
        try:
            with code_of(driver):
                sentences = sentences_of(driver, spec.check(options)) if spec.check else ()
                if spec.check_variant:
                    sentences += sentences_of(driver, spec.check_variant(driver, options))
        except OBJECTIONS as error:
            sentences = (message_of(error),)
        for sentence in sentences:
            report_about(sentence, table, path, self._report)
        return INVALID if sentences else options

    def _channels(
        self, spec: DriverSpec, driver: str, options: object, table: MapNode, path: str
    ) -> tuple[Channel, ...] | None:
        if spec.channels_of is None:
            return spec.variants[driver].channels
        try:
            with code_of(driver):
                channels = told_apart(spec.channels_of(options))
        except OBJECTIONS as error:
            report_about(message_of(error), table, path, self._report)
            return None
        for name in [channel.name for channel in channels]:
            place, where = place_of_name(name, table, path)
            report_bad_name(place, name, where, self._report)
        return channels

    def _sections(
        self,
        table: MapNode,
        path: str,
        channels: tuple[Channel, ...] | None,
        known: tuple[str, ...] | None,
        heartbeat: object,
    ) -> dict[str, object]:
        """A section for each channel, written or not; where the channels are not known, for the written ones."""
        entry = table.entries.get("channels")
        written = as_map(entry.node, path, self._report) if entry else None
        if written is not None and any(key in CHANNEL_KEYS for key in written.entries):
            written = indented_members(written, path, self._report, CHANNEL_KEYS, is_channel)
        entries = written.entries if written else NO_ENTRIES
        deadbands = {channel.name: channel.deadband for channel in channels or ()}
        names = known or tuple(deadbands)
        if channels is None:
            deadbands = dict.fromkeys(entries, 0.0)
        for name, inner in entries.items():
            if names and name not in names:
                message = f"unknown channel `{name[:60]}`; {expectation(name, names)}"
                self._report.fault(inner.place, joined(path, name), message)
                if isinstance(inner.node, MapNode):
                    deadbands.setdefault(name, 0.0)  # what stands below it is judged too
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


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
