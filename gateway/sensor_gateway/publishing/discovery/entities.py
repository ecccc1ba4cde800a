"""What Home Assistant shows of us: one entity per channel, and what a person needs to see why one is missing. Pure.

Keys are Home Assistant's abbreviations (components/mqtt/abbreviations.py). Ids are made of our ids only, never of
labels, and stay as they are for ever: with another id, a user's history and dashboards are gone.
No template complains about a key that is missing, nor about a payload that is none of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.channel import Source
from sensor_gateway.model.health import Availability
from sensor_gateway.publishing.discovery import quantities
from sensor_gateway.publishing.messages import Topics

_VALUE: Final = "{{ (value_json | default({})).value | default(none) }}"
_STATE: Final = "{{ (value_json | default({})).state | default(none) }}"
_LINK: Final = "{{ ((value_json | default({})).link | default({})).state | default(none) }}"
_ATTRIBUTES: Final = "{{ (value_json | default({})) | tojson }}"
_IS_ONLINE: Final = "{{ (value_json | default({})).state | default('offline') }}"
_WORKS: Final = (
    "{{ 'online' if (value_json | default({})).state | default('') in ['online', 'degraded'] else 'offline' }}"
)
"""One failed poll is no outage: the value is unknown meanwhile, and the sensor is there. What starts is not."""

_IS_KNOWN: Final = (
    "{{ 'online' if (value_json | default({})).quality | default('') in ['good', 'uncertain'] else 'offline' }}"
)
"""What talks by itself has failed after three intervals of silence, which is no passing trouble any more."""

_DIAGNOSTIC: Final = "diagnostic"

Config = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity of a device. ``key`` is its name within the device, and never changes."""

    key: str
    platform: str
    config: Mapping[str, object]


def sensor_availability(topics: Topics, sensor: str) -> list[Config]:
    """A value is alive while the gateway is, and its sensor."""
    return [*gateway_availability(topics), {"t": topics.availability(sensor), "val_tpl": _WORKS}]


def gateway_availability(topics: Topics) -> list[Config]:
    """What the gateway says is alive while it is."""
    return [{"t": topics.status, "val_tpl": _IS_ONLINE}]


def channel_entity(topics: Topics, source: Source, *, label: str, lifetime_ms: int, is_stream: bool = False) -> Entity:
    """The value of one channel. Without a label, Home Assistant names it by its device class, in its own language.

    ``is_stream``: the sensor talks by itself.
    """
    sensor, channel = source.sensor, source.channel
    quantity = channel.quantity
    config: Config = {"stat_t": topics.state(sensor, channel.name), "val_tpl": _VALUE}
    device_class, unit = quantities.device_class(quantity), quantities.unit(quantity)
    if device_class:
        config["dev_cla"] = device_class
    if label or channel.name != device_class:
        config["name"] = label or spoken(channel.name)
    if unit:
        config["unit_of_meas"] = unit
    config["stat_cla"] = quantities.state_class(channel)
    config["sug_dsp_prc"] = quantities.precision(channel.resolution)
    config["exp_aft"] = -(-lifetime_ms // 1000)
    if is_stream:
        known = {"t": topics.state(sensor, channel.name), "val_tpl": _IS_KNOWN}
        config["avty"] = [*sensor_availability(topics, sensor), known]
    return Entity(key=f"state.{channel.name}", platform="sensor", config=config)


def sensor_state_entity(topics: Topics, sensor: str) -> Entity:
    """Whether a sensor works, and why not: visible while the gateway is there."""
    topic = topics.availability(sensor)
    return Entity(
        key="availability",
        platform="sensor",
        config={
            "name": "State",
            "stat_t": topic,
            "val_tpl": _STATE,
            "dev_cla": "enum",
            "ops": [state.value for state in Availability],
            "json_attr_t": topic,
            "json_attr_tpl": _ATTRIBUTES,
            "ent_cat": _DIAGNOSTIC,
            "avty": gateway_availability(topics),
        },
    )


def gateway_entities(topics: Topics, *, health_lifetime_s: int | None) -> tuple[Entity, ...]:
    """Whether the gateway is connected, and how it fares. Connectivity is never unavailable: it says so itself.

    ``health_lifetime_s``: how long what its health topic says is shown; None where it has none.
    """
    status: Config = {"stat_t": topics.status, "val_tpl": _IS_ONLINE, "pl_on": "online", "pl_off": "offline"}
    status |= {"dev_cla": "connectivity", "json_attr_t": topics.status, "json_attr_tpl": _ATTRIBUTES}
    connectivity = Entity(key="status", platform="binary_sensor", config={**status, "ent_cat": _DIAGNOSTIC})
    return (connectivity, *(() if health_lifetime_s is None else _health_entities(topics, health_lifetime_s)))


def _health_entities(topics: Topics, lifetime_s: int) -> tuple[Entity, ...]:
    link: Config = {"name": "Link", "val_tpl": _LINK}
    buffered: Config = {"name": "Events waiting", "val_tpl": _field("buffered"), "stat_cla": "measurement"}
    lost: Config = {"name": "Events lost", "val_tpl": _field("lost_total"), "stat_cla": "total_increasing"}
    uptime: Config = {"name": "Uptime", "val_tpl": _field("uptime_s"), "dev_cla": "duration", "unit_of_meas": "s"}
    shared = {"ent_cat": _DIAGNOSTIC, "exp_aft": lifetime_s, "avty": gateway_availability(topics)}
    return tuple(
        Entity(key=key, platform="sensor", config={"stat_t": topics.health, **own, **shared})
        for key, own in {"link": link, "buffered": buffered, "lost": lost, "uptime": uptime}.items()
    )


def spoken(name: str) -> str:
    """An id as a person would write it: ``flow_temperature`` becomes ``Flow temperature``."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:] or name


def _field(key: str) -> str:
    return f"{{{{ (value_json | default({{}})).{key} | default(none) }}}}"
