"""What could be read of one sensor, and where it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sensor_gateway.config.device_files.shelf import Device
from sensor_gateway.config.indentation import SENSOR_KEYS
from sensor_gateway.config.settings import SensorSection
from sensor_gateway.config.text.faults import Place
from sensor_gateway.config.text.nodes import Entry, MapNode, ScalarNode, joined
from sensor_gateway.config.values.near_miss import meant_by
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.model.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorEntry:
    """What could be read of a sensor, with its driver and its place, for the checks across sensors."""

    name: str
    section: SensorSection | None
    """The whole; None where something in it is wrong."""
    unread: UnreadSensor | None
    """What there is of a sensor whose driver cannot be used, in the place of a section."""
    driver: str
    spec: DriverSpec | None
    bus: str | None
    number: int | None
    """Its I2C address or unit number, where it has one that is right."""
    channels: tuple[Channel, ...]
    table: MapNode
    path: str
    device: Device | None
    device_place: Place
    """Where the device is named."""

    def place(self, key: str) -> Place:
        """Where the sensor writes ``key``, else where it names its device, else where it begins."""
        return self.table.entries[key].node.place if self.writes(key) else self.device_place

    def writes(self, key: str) -> bool:
        """Whether the sensor itself says ``key``, and not its device."""
        entry = self.table.entries.get(key)
        return entry is not None and entry.node.place.file == self.table.place.file


def driver_written(table: MapNode) -> str:
    """What stands behind ``driver:``, or behind the key that is meant by another word."""
    entry = table.entries.get("driver")
    if entry is None and "device" not in table.entries:
        others = (key for key in table.entries if key not in SENSOR_KEYS and meant_by(key, SENSOR_KEYS) == "driver")
        entry = table.entries.get(next(others, ""))
    node = entry.node if entry else None
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""


def with_named_bus(table: MapNode) -> MapNode:
    """``table``, where a bus that is written as a number is a name like others: what is wrong with it is told once."""
    entry = table.entries.get("bus")
    node = entry.node if entry else None
    if entry is None or not isinstance(node, ScalarNode) or type(node.value) is not int:
        return table
    named = Entry(entry.place, replace(node, value=node.text))
    return MapNode({**table.entries, "bus": named}, table.place)


def listed_sensor(table: MapNode) -> tuple[str, MapNode]:
    """The name that an item of a list of sensors gives itself, empty where it gives none; and the rest of it."""
    entry = table.entries.get("name")
    node = entry.node if entry else None
    if not isinstance(node, ScalarNode) or not node.text:
        return "", table
    return node.text, MapNode({key: inner for key, inner in table.entries.items() if key != "name"}, table.place)


def place_of_driver(table: MapNode) -> Place:
    """Where the driver is named, by the sensor or by its device file."""
    entry = table.entries.get("driver")
    return entry.node.place if entry else table.place


def unread_sensor(
    name: str, driver: str, why: str, table: MapNode, common: Mapping[str, object]
) -> UnreadSensor | None:
    """The sensor, as far as it is known without its driver; ``why`` says what is wrong with that (None: nothing)."""
    if not why:
        return None
    interval, label = common.get("interval"), common.get("label")
    return UnreadSensor(
        name=name,
        driver=driver,
        interval_s=Seconds(interval if isinstance(interval, float) else 0.0),
        label=label if isinstance(label, str) else "",
        place=str(place_of_driver(table)),
        reason=why,
    )


def place_of_name(name: str, table: MapNode, path: str) -> tuple[Place, str]:
    """Where an option names a channel, with its path; else where the sensor begins."""
    for key, entry in table.entries.items():
        if key != "channels" and isinstance(entry.node, MapNode) and name in entry.node.entries:
            return entry.node.entries[name].place, joined(joined(path, key), name)
    return table.place, path
