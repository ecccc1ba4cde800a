"""A house with sensors of any channels, and what Home Assistant is told of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.units import Seconds
from sensor_gateway.publishing.discovery.devices import devices
from sensor_gateway.publishing.discovery.documents import Document, documents
from sensor_gateway.publishing.discovery.settings import Areas, DiscoverySettings, Form
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.meta import Labels
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan


def sensor_plan(
    name: str, *channels: Channel, heartbeat_ms: int | None = 300_000, left_out: str = "", bus: BusKind = BusKind.I2C
) -> SensorPlan:
    rules = ChangeRules(
        deadband=Absolute(by=0.1), heartbeat_ms=heartbeat_ms, at_most_ms=0, interval_ms=10_000, filters=()
    )
    spec: Any = SimpleNamespace(bus=bus)
    return SensorPlan(
        name=name,
        spec=spec,
        variant="bme280",
        options=None,
        address=0x76,
        interval_s=Seconds(10.0),
        channels=tuple(
            ChannelPlan(source=Source(sensor=name, channel=channel), rules=rules, is_published=channel.name != left_out)
            for channel in channels
        ),
    )


def told(
    *plans: SensorPlan,
    form: Form = "device",
    gateway: str = "greenhouse",
    labels: Labels | None = None,
    areas: Areas | None = None,
    health_lifetime_s: int | None = 180,
) -> tuple[Document, ...]:
    shown = devices(
        plans,
        Topics(prefix="sensors/v1", gateway=gateway),
        version="0.1.0",
        labels=labels or Labels(),
        areas=areas or Areas(),
        health_lifetime_s=health_lifetime_s,
    )
    return documents(shown, DiscoverySettings(form=form), gateway=gateway, version="0.1.0")


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., SensorPlan]:
    return sensor_plan


@pytest.fixture(scope="session")
def tell() -> Callable[..., tuple[Document, ...]]:
    return told
