"""What the gateway is made of, for subscribers: enough to know units, and when silence is a fault. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sensor_gateway.changes.rules import Absolute, Deadband
from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.model.writing.compact_json import compact_json
from sensor_gateway.publishing.states import PublishedChannel, lifetime_ms
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Names for people. ``channels`` is keyed by sensor and channel; what has no label is left out."""

    gateway: str = ""
    sensors: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[tuple[str, str], str] = field(default_factory=dict)


def meta(
    plans: Iterable[SensorPlan], *, gateway: str, version: str, labels: Labels, unread: Iterable[UnreadSensor] = ()
) -> bytes:
    """Payload of the meta topic. The channels of ``unread`` sensors are not known."""
    fields = {
        "schema_version": SCHEMA_VERSION,
        "gateway": gateway,
        "label": labels.gateway,
        "version": version,
        "sensors": {
            **{plan.name: _sensor(plan, labels) for plan in plans},
            **{sensor.name: _unread(sensor) for sensor in unread},
        },
    }
    return compact_json(fields)


def published_channels(plans: Iterable[SensorPlan]) -> tuple[PublishedChannel, ...]:
    """The channels that have a state topic, with the lifetime of their values."""
    return tuple(
        PublishedChannel(
            source=channel.source,
            lifetime_ms=lifetime_ms(heartbeat_ms=channel.rules.heartbeat_ms, interval_ms=channel.rules.interval_ms),
        )
        for plan in plans
        for channel in plan.channels
        if channel.is_published
    )


def _sensor(plan: SensorPlan, labels: Labels) -> dict[str, object]:
    return {
        "label": labels.sensors.get(plan.name, ""),
        "driver": plan.variant,
        "interval_s": plan.interval_s,
        "channels": {
            channel.source.channel.name: _channel(channel, labels) for channel in plan.channels if channel.is_published
        },
    }


def _unread(sensor: UnreadSensor) -> dict[str, object]:
    return {"label": sensor.label, "driver": sensor.driver, "interval_s": sensor.interval_s, "channels": {}}


def _channel(plan: ChannelPlan, labels: Labels) -> dict[str, object]:
    channel = plan.source.channel
    rules = plan.rules
    return {
        "label": labels.channels.get((plan.source.sensor, channel.name), ""),
        "quantity": channel.quantity.name,
        "unit": channel.quantity.unit,
        "ucum": channel.quantity.ucum,
        "resolution": channel.resolution,
        "deadband": _deadband(rules.deadband),
        "heartbeat_s": None if rules.heartbeat_ms is None else rules.heartbeat_ms / 1000,
        "at_most_s": rules.at_most_ms / 1000,
    }


def _deadband(deadband: Deadband) -> object:
    if isinstance(deadband, Absolute):
        return deadband.by
    return {"relative": deadband.fraction, "at_least": deadband.at_least}
