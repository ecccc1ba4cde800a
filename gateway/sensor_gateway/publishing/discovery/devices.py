"""The devices that Home Assistant shows: the gateway, and each sensor behind it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.publishing.discovery.entities import (
    Entity,
    channel_entity,
    gateway_entities,
    sensor_availability,
    sensor_state_entity,
    spoken,
)
from sensor_gateway.publishing.discovery.settings import Areas
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.meta import Labels, published_channels
from sensor_gateway.sensing.plan import SensorPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device. ``sensor`` is empty for the gateway; ``about`` and ``availability`` as discovery writes them.

    ``availability`` holds for those entities that say nothing else.
    """

    identifier: str
    sensor: str
    about: Mapping[str, object]
    availability: list[dict[str, object]]
    entities: tuple[Entity, ...]


def devices(
    plans: Iterable[SensorPlan],
    topics: Topics,
    *,
    version: str,
    labels: Labels,
    areas: Areas,
    health_lifetime_s: int | None,
) -> tuple[Device, ...]:
    """All devices, the gateway first: the others refer to it."""
    gateway = _gateway(topics, version=version, labels=labels, areas=areas, health_lifetime_s=health_lifetime_s)
    return (gateway, *(_sensor(plan, topics, gateway.identifier, labels=labels, areas=areas) for plan in plans))


def unique_prefix(topics: Topics, sensor: str) -> str:
    """With what the unique ids of all entities of a sensor begin, and no others."""
    return f"{_identifier(topics, sensor)}."


def _identifier(topics: Topics, sensor: str = "") -> str:
    gateway = f"sensor-gateway.{topics.gateway}"
    return f"{gateway}.{sensor}" if sensor else gateway


def _gateway(topics: Topics, *, version: str, labels: Labels, areas: Areas, health_lifetime_s: int | None) -> Device:
    identifier = _identifier(topics)
    about: dict[str, object] = {
        "ids": [identifier],
        "name": labels.gateway or topics.gateway,
        "mdl": "sensor-gateway",
        "sw": version,
    }
    return Device(
        identifier=identifier,
        sensor="",
        about=_in_area(about, areas.gateway),
        availability=[],
        entities=gateway_entities(topics, health_lifetime_s=health_lifetime_s),
    )


def _sensor(plan: SensorPlan, topics: Topics, gateway: str, *, labels: Labels, areas: Areas) -> Device:
    name = plan.name
    identifier = _identifier(topics, name)
    about: dict[str, object] = {
        "ids": [identifier],
        "name": labels.sensors.get(name) or spoken(name),
        "mdl": plan.variant,
        "via_device": gateway,
    }
    channels = (
        channel_entity(
            topics,
            published.source,
            label=labels.channels.get((name, published.source.channel.name), ""),
            lifetime_ms=published.lifetime_ms,
            is_stream=plan.spec.bus is BusKind.SERIAL_STREAM,
        )
        for published in published_channels([plan])
    )
    return Device(
        identifier=identifier,
        sensor=name,
        about=_in_area(about, areas.of(name)),
        availability=sensor_availability(topics, name),
        entities=(*channels, sensor_state_entity(topics, name)),
    )


def _in_area(about: dict[str, object], area: str) -> dict[str, object]:
    return {**about, "sa": area} if area else about
