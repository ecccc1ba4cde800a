"""Keys at the wrong depth: reported as that, and moved to where they belong, so that the rest can be judged.

Knows which keys stand in which section. A file without unknown keys never comes here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields
from types import MappingProxyType
from typing import Final, TypeAlias

from sensor_gateway.config.sections.broker import HomeAssistantSection, MqttSection
from sensor_gateway.config.sections.buses import BUS_TYPES
from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.config.settings import (
    ChannelSection,
    ClockSection,
    Configuration,
    DefaultsSection,
    GatewaySection,
    OutboxSection,
    SensorSection,
)
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import NO_ENTRIES, Entry, MapNode, Node, ScalarNode, joined
from sensor_gateway.config.values.foreign_words import FOREIGN, LATER
from sensor_gateway.config.values.near_miss import foreign_key, near_miss

OwnerOf: TypeAlias = Callable[[str, Node, str, str], str]
"""Key, node, the last key that stands right, and the owner of the key before if that was moved: to the owner, or ''."""


def _names(*sections: type, without: Collection[str] = ()) -> tuple[str, ...]:
    names = (field.name for section in sections for field in fields(section))
    return tuple(dict.fromkeys(name for name in names if name not in without))


ROOT_KEYS: Final = _names(Configuration)
SENSOR_KEYS: Final = _names(SensorSection, without=("name", "options"))
CHANNEL_KEYS: Final = _names(ChannelSection)
BUS_KEYS: Final = _names(*BUS_TYPES.values())
_KEYS: Final[Mapping[str, Collection[str]]] = MappingProxyType(
    {
        "gateway": _names(GatewaySection),
        "mqtt": _names(MqttSection),
        "home_assistant": _names(HomeAssistantSection),
        "metrics": _names(MetricsSection),
        "clock": _names(ClockSection),
        "outbox": _names(OutboxSection),
        "defaults": _names(DefaultsSection),
        "sensors": SENSOR_KEYS,
        "buses": BUS_KEYS,
    }
)
_OF_A_SENSOR: Final = frozenset({"driver", "device", "platform", "bus", "address", "unit", "interval"})
_OF_A_BUS: Final = frozenset({"type", "port", "baudrate", "parity"})


def moved(table: MapNode, path: str, report: Report, owner_of: OwnerOf) -> MapNode:
    """``table`` with those keys below their owners that should stand there; one fault for each run of them."""
    kept: dict[str, Entry] = {}
    runs: list[tuple[str, dict[str, Entry]]] = []
    above = last = ""
    for key, entry in table.entries.items():
        owner = owner_of(key, entry.node, above, last)
        if not owner:
            kept[key] = entry
            above = key
        elif owner == last:
            runs[-1][1][key] = entry
        else:
            runs.append((owner, {key: entry}))
        last = owner
    for owner, strays in runs:
        first = next(iter(strays))
        report.fault(strays[first].place, joined(path, first), f"{belonging(strays)} below `{owner}:`, indented")
        kept[owner] = _with(kept.get(owner), strays, strays[first])
    return MapNode(kept, table.place) if runs else table


def belonging(keys: Collection[str]) -> str:
    """``a belongs``, or ``a, b and c belong``."""
    names = [f"`{key[:60]}`" for key in list(keys)[:6]]
    if len(keys) > len(names):
        return f"{', '.join(names)} and {len(keys) - len(names)} more belong"
    return f"{', '.join(names[:-1])} and {names[-1]} belong" if len(names) > 1 else f"{names[0]} belongs"


def _with(owner: Entry | None, strays: Mapping[str, Entry], first: Entry) -> Entry:
    if owner is None:
        return Entry(first.place, MapNode(strays, first.place))
    if isinstance(owner.node, MapNode):
        return Entry(owner.place, MapNode({**strays, **owner.node.entries}, owner.node.place))
    return Entry(owner.place, MapNode(strays, owner.place)) if is_nothing(owner.node) else owner


def is_nothing(node: Node | None) -> bool:
    """Whether nothing stands behind a key."""
    return isinstance(node, ScalarNode) and node.value is None


def keys_of(node: Node | None) -> AbstractSet[str]:
    """The keys of a mapping; none of anything else."""
    return (node.entries if isinstance(node, MapNode) else NO_ENTRIES).keys()


def _is_key(key: str, known: Collection[str]) -> bool:
    return key in known or foreign_key(key, known) is not None


def indented_root(root: MapNode, report: Report) -> MapNode:
    """The whole file, with sensors, buses and keys of sections below those."""

    def owner_of(key: str, node: Node, above: str, last: str) -> str:
        if key in ROOT_KEYS or key in LATER or foreign_key(key, ROOT_KEYS):
            return ""
        if isinstance(node, MapNode) and _owner(node):
            return "" if near_miss(key, ROOT_KEYS) else _owner(node)
        if is_nothing(node) and above == "sensors" and key not in FOREIGN:
            return above if last or is_nothing(root.entries[above].node) else ""
        return above if above in _KEYS and _is_key(key, _KEYS[above]) else ""

    return moved(root, "", report, owner_of)


def _owner(node: MapNode) -> str:
    keys = node.entries.keys()
    if keys & {"driver", "platform", "device"} or len(keys & _OF_A_SENSOR) > 1:
        return "sensors"
    return "buses" if keys & _OF_A_BUS else ""


def indented_members(
    table: MapNode, path: str, report: Report, known: Collection[str], is_member: Callable[[Node], bool]
) -> MapNode:
    """A section of named members, with those keys below a member that stand beside it; ``known`` are a member's."""

    def owner_of(key: str, node: Node, above: str, last: str) -> str:
        if above in known and not isinstance(table.entries[above].node, MapNode):
            return ""
        is_begun = bool(last) or (above in table.entries and is_nothing(table.entries[above].node))
        if isinstance(node, MapNode):
            is_stray = not is_member(node) and (key in known or bool(last))
        elif is_nothing(node):
            is_stray = key in known
        else:
            is_stray = is_begun or _is_key(key, known)
        return above if is_stray else ""

    if all(isinstance(entry.node, MapNode) and key not in known for key, entry in table.entries.items()):
        return table
    return moved(table, path, report, owner_of)


def is_sensor(node: Node) -> bool:
    """Whether a mapping holds what a sensor does."""
    return bool(_OF_A_SENSOR & keys_of(node))


def is_channel(node: Node) -> bool:
    """Whether a mapping holds what a channel does."""
    return any(key in CHANNEL_KEYS for key in keys_of(node))


def is_bus(node: Node) -> bool:
    """Whether a mapping holds what a bus does."""
    return bool(_OF_A_BUS & keys_of(node))


def indented_channels(
    table: MapNode, path: str, report: Report, channels: Collection[str], options: Mapping[str, Collection[str]]
) -> MapNode:
    """A sensor, with channels below ``channels:``, and parts of an option (``registers:``) below that.

    ``options`` holds the driver's, and the keys of a part for each that has named parts.
    """

    def owner_of(key: str, node: Node, _above: str, last: str) -> str:
        if key in SENSOR_KEYS or key in options:
            return ""
        option = _option_of(node, options)
        if key in channels and not option:
            return "channels"
        if last == "channels" and key in CHANNEL_KEYS and not isinstance(node, MapNode):
            return last
        return option

    return moved(table, path, report, owner_of)


def _option_of(node: Node, options: Mapping[str, Collection[str]]) -> str:
    """The option of which ``node`` is a part; a channel's own keys tell nothing."""
    keys = set(keys_of(node)) - set(CHANNEL_KEYS)
    return next((option for option, known in options.items() if keys & set(known)), "")
