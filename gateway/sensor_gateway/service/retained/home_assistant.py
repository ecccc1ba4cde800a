"""From the configuration to what Home Assistant is told, and to what is left to be taken back from earlier lives."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from sensor_gateway import __version__
from sensor_gateway.config.sections.broker import HomeAssistantSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.discovery.birth import Birth
from sensor_gateway.publishing.discovery.devices import devices, unique_prefix
from sensor_gateway.publishing.discovery.documents import Document, documents
from sensor_gateway.publishing.discovery.settings import Areas, BirthSettings, DiscoverySettings
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.meta import Labels
from sensor_gateway.publishing.retained.settlement import Record, settle
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.retained.topics import RetainedTopics

_HEALTH_INTERVALS: Final = 3
"""What the health topic says is shown for so many intervals."""


class Told(Protocol):
    """What of a setup is asked here."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """All that Home Assistant is told; nothing where it is turned off."""
        ...

    @property
    def unread(self) -> tuple[UnreadSensor, ...]:
        """The sensors whose driver cannot be used."""
        ...


def with_discovery(
    publishing: PublishingPlan,
    section: HomeAssistantSection | None,
    told: Told,
    retained: RetainedTopics,
) -> PublishingPlan:
    """The plan with discovery, and with the end of those retained topics that no longer belong to it."""
    plan = told_anew(publishing, told, retained.read())
    retained.keep(plan.settlement.meanwhile)
    return replace(plan, remember_topics=retained.remember, birth=_birth(section))


def told_anew(publishing: PublishingPlan, told: Told, remembered: Record) -> PublishingPlan:
    """The plan with this discovery, where the broker keeps what is ``remembered``.

    A sensor whose driver cannot be used now is still a device: nobody can say what it delivers, so what was said
    of it in an earlier life stands.
    """
    wanted = _record(publishing, told.documents)
    if told.documents:
        prefixes = tuple(unique_prefix(publishing.topics, sensor.name) for sensor in told.unread)
        wanted |= {
            topic: entities
            for topic, entities in remembered.items()
            if any(unique_id.startswith(prefixes) for unique_id in entities)
        }
    settlement = settle(remembered, wanted)
    discovery = tuple(document.announcement(settlement.removed.get(document.topic, {})) for document in told.documents)
    return replace(publishing, discovery=discovery, settlement=settlement)


def _birth(section: HomeAssistantSection | None) -> Birth | None:
    if section is None:
        return None
    return Birth(discovery_settings(section).birth, random.Random())  # noqa: S311 - it spreads load


def _record(publishing: PublishingPlan, told: Sequence[Document]) -> dict[str, Mapping[str, str]]:
    """Every retained topic of a plan, with the entities that each announces."""
    topics = publishing.topics
    states = publishing.channels if publishing.broker.states else ()
    plain = [
        topics.status,
        topics.meta,
        *([] if publishing.health_interval_s is None else [topics.health]),
        *(topics.availability(sensor) for sensor in publishing.sensors),
        *(topics.state(channel.source.sensor, channel.source.channel.name) for channel in states),
    ]
    return {**{topic: {} for topic in plain}, **{document.topic: document.entities for document in told}}


def discovery_documents(
    configuration: Configuration, plans: Sequence[SensorPlan], topics: Topics, labels: Labels
) -> tuple[Document, ...]:
    """Everything that is published for Home Assistant; nothing where it is turned off."""
    section = configuration.home_assistant
    if section is None:
        return ()
    areas = Areas(
        gateway=configuration.gateway.area,
        sensors={name: sensor.area for name, sensor in configuration.sensors.items() if sensor.area},
    )
    health_s = configuration.gateway.health_interval
    lifetime_s = None if health_s is None else round(_HEALTH_INTERVALS * health_s)
    shown = devices(plans, topics, version=__version__, labels=labels, areas=areas, health_lifetime_s=lifetime_s)
    return documents(shown, discovery_settings(section), gateway=topics.gateway, version=__version__)


def discovery_settings(section: HomeAssistantSection) -> DiscoverySettings:
    """Where and how discovery is published."""
    birth = BirthSettings(
        topic=section.birth_topic, payload=section.birth_payload.encode(), spread_s=section.birth_spread
    )
    return DiscoverySettings(prefix=section.discovery_prefix, form=section.form, birth=birth)
