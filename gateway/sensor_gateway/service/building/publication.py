"""What is published by a setup: the publisher's plan at a start, and the one after a reload."""

from __future__ import annotations

import secrets
from dataclasses import replace

from sensor_gateway import __version__
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.meta import meta, published_channels
from sensor_gateway.service.configuration.setup import Setup
from sensor_gateway.service.refused_events import RefusedEvents
from sensor_gateway.service.retained.home_assistant import told_anew
from sensor_gateway.service.retained.topics import RetainedTopics


def publishing_plan(setup: Setup, boot: str, refused: RefusedEvents) -> PublishingPlan:
    """What is published of a setup, in the boot whose id begins like this; ``refused`` keeps what no broker takes."""
    return PublishingPlan(
        broker=setup.broker,
        stream=setup.stream,
        program=Program(instance=secrets.token_hex(4), version=__version__),
        boot=boot,
        sensors=setup.names,
        channels=published_channels(setup.sensors),
        meta=_meta(setup),
        gap_json=EventEncoder(setup.gateway, boot).gap,
        set_aside=refused.keep,
        health_interval_s=setup.health_interval_s,
    )


def published_anew(plan: PublishingPlan, setup: Setup, retained: RetainedTopics) -> PublishingPlan:
    """What the same gateway publishes by another setup. It is kept before it is published; waits for the medium."""
    anew = replace(
        plan,
        broker=setup.broker,
        stream=setup.stream,
        sensors=setup.names,
        channels=published_channels(setup.sensors),
        meta=_meta(setup),
        health_interval_s=setup.health_interval_s,
    )
    anew = told_anew(anew, setup, retained.record)
    retained.keep(anew.settlement.meanwhile)
    return anew


def _meta(setup: Setup) -> bytes:
    return meta(setup.sensors, gateway=setup.gateway, version=__version__, labels=setup.labels, unread=setup.unread)
