"""Discovery as it goes out: topics and payloads, in both forms, with what was there before and is no more. Pure.

Topics: ``<prefix>/device/<gateway>/<device>/config``, and ``<prefix>/<platform>/<gateway>/<device>_<entity>/config`` in
the single form. The gateway's id is a level of its own, so that one line of an access list is enough; capitals stand
between names that have none, so that no two meet. (Not ``<prefix>/device/<gateway>/config``: when that is
cleared, Home Assistant removes everybody's single entities below that level.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sensor_gateway.model.writing.compact_json import compact_json
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.discovery.devices import Device
from sensor_gateway.publishing.discovery.entities import Entity
from sensor_gateway.publishing.discovery.settings import DiscoverySettings

MIGRATE: Final = b'{"migrate_discovery":true}'
"""Home Assistant lets go of the entities of this topic, and keeps their settings: another topic takes them over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One discovery topic: what it says, and its entities, each by its unique id and with its platform."""

    topic: str
    body: Mapping[str, object]
    entities: Mapping[str, str]
    identifier: str

    def announcement(self, removed: Mapping[str, str] = MappingProxyType({})) -> Announcement:
        """The message, in which what is ``removed`` (unique ids with their platforms) is reduced to its platform.

        Home Assistant removes such an entity; one that is left out would stay. The device form alone needs it.
        """
        body = dict(self.body)
        if removed and isinstance(components := body.get("cmps"), dict):
            gone = {uid.removeprefix(f"{self.identifier}."): {"p": platform} for uid, platform in removed.items()}
            body["cmps"] = {**components, **gone}
        return Announcement(topic=self.topic, payload=compact_json(body))


def documents(
    devices: Iterable[Device], settings: DiscoverySettings, *, gateway: str, version: str
) -> tuple[Document, ...]:
    """All that Home Assistant is told, the devices in the order given."""
    origin = {"name": "sensor-gateway", "sw": version}
    if settings.form == "device":
        return tuple(_of_device(device, settings.prefix, gateway, origin) for device in devices)
    return tuple(
        _of_entity(device, entity, settings.prefix, gateway, origin) for device in devices for entity in device.entities
    )


def _of_device(device: Device, prefix: str, gateway: str, origin: Mapping[str, str]) -> Document:
    components = {
        entity.key: {"p": entity.platform, "uniq_id": _unique_id(device, entity), **entity.config}
        for entity in device.entities
    }
    return Document(
        topic=f"{prefix}/device/{gateway}/{_name(device)}/config",
        body={"dev": device.about, "o": origin, **_shared(device), "cmps": components},
        entities=MappingProxyType({_unique_id(device, entity): entity.platform for entity in device.entities}),
        identifier=device.identifier,
    )


def _of_entity(device: Device, entity: Entity, prefix: str, gateway: str, origin: Mapping[str, str]) -> Document:
    unique_id = _unique_id(device, entity)
    kind, _, name = entity.key.partition(".")
    body = {"uniq_id": unique_id, **_shared(device), **entity.config}
    return Document(
        topic=f"{prefix}/{entity.platform}/{gateway}/{_name(device)}_{kind.upper()}{name and f'_{name}'}/config",
        body={**body, "dev": device.about, "o": origin},
        entities=MappingProxyType({unique_id: entity.platform}),
        identifier=device.identifier,
    )


def _shared(device: Device) -> dict[str, object]:
    return {"avty": device.availability, "avty_mode": "all"} if device.availability else {}


def _unique_id(device: Device, entity: Entity) -> str:
    return f"{device.identifier}.{entity.key}"


def _name(device: Device) -> str:
    return f"sensor_{device.sensor}" if device.sensor else "gateway"
