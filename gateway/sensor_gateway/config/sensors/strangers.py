"""The keys of a sensor that are none: of another depth, of a channel, a neighbour's, or misspelt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from typing import get_args

from sensor_gateway.config.indentation import CHANNEL_KEYS, SENSOR_KEYS, indented_channels, keys_of
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, joined
from sensor_gateway.config.values.decoder import fields_of
from sensor_gateway.config.values.foreign_words import ELSEWHERE, FORMS, LATER
from sensor_gateway.config.values.near_miss import foreign_key, meant_by
from sensor_gateway.config.values.readers import NONE_MEANT, report_unknown
from sensor_gateway.model.driver_spec import DriverSpec


def judged_keys(
    table: MapNode, path: str, report: Report, spec: DriverSpec | None, driver: str
) -> tuple[MapNode, Mapping[str, str]]:
    """``table`` with each key where it belongs, after a fault for each that is none.

    Also the keys that were probably meant, each with the one that was written for it. Without a driver its options
    are not known, and only those keys are judged that are like one of every sensor.
    """
    options = fields_of(spec.options) if spec else {}
    if all(key in SENSOR_KEYS or key in options for key in table.entries):
        return table, NONE_MEANT
    channels = names_written(spec, driver, table) if spec else ()
    if spec:
        table = indented_channels(table, path, report, channels, {name: _part(spec, name) for name in options})
    known = (*SENSOR_KEYS, *options)
    strangers = [key for key in table.entries if key not in known]
    of_channels = [key for key in strangers if _of_a_channel(key, known)]
    for key in of_channels:
        report.fault(table.entries[key].place, joined(path, key), _belongs_to_a_channel(key, channels))
    strangers = [key for key in strangers if key not in of_channels and (spec or _is_told(key))]
    kept = {key: entry for key, entry in table.entries.items() if key in known or key in strangers}
    return table, report_unknown(MapNode(kept, table.place), path, report, known)


def names_written(spec: DriverSpec, driver: str, table: MapNode) -> tuple[str, ...]:
    """The names of a sensor's channels; those that its options make, as far as they can be told from the file."""
    if spec.channels_of is None:
        return tuple(channel.name for channel in spec.variants[driver].channels)
    entries = (table.entries.get(option) for option in fields_of(spec.options) if _part(spec, option))
    return tuple(name for entry in entries if entry for name in keys_of(entry.node))


def _part(spec: DriverSpec, option: str) -> Collection[str]:
    """The keys of one of the named parts that an option consists of; none for another option."""
    part = get_args(fields_of(spec.options)[option].type)[1:]
    return fields_of(part[0]) if part and isinstance(part[0], type) and is_dataclass(part[0]) else ()


def _of_a_channel(key: str, known: Collection[str]) -> bool:
    if key in LATER or foreign_key(key, known):
        return False
    return key in CHANNEL_KEYS or foreign_key(key, CHANNEL_KEYS) is not None


def _belongs_to_a_channel(key: str, channels: Collection[str]) -> str:
    ours = key if key in CHANNEL_KEYS else foreign_key(key, CHANNEL_KEYS)
    form = FORMS.get(key, "")
    shown = form if form.startswith(f"{ours}:") else f"{ours}: ..."
    channel = next(iter(channels), "temperature")
    return f"`{key[:60]}` belongs to a channel: `channels: {{{channel}: {{{shown}}}}}`"


def _is_told(key: str) -> bool:
    return key in LATER or key.lower() in ELSEWHERE or meant_by(key, SENSOR_KEYS) is not None
