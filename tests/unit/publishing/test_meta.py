"""Meta: enough for a subscriber to know units, and when silence is a fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.changes.rules import Absolute, ChangeRules, Relative
from sensor_gateway.model.channel import Source
from sensor_gateway.model.units import Seconds
from sensor_gateway.publishing.meta import Labels, meta, published_channels
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan


@pytest.fixture
def plan(source: Callable[[str], Source]) -> Callable[..., SensorPlan]:
    def make(*, heartbeat_ms: int | None = 300_000, relative: bool = False, is_published: bool = True) -> SensorPlan:
        rules = ChangeRules(
            deadband=Relative(fraction=0.02, at_least=1.0) if relative else Absolute(by=0.1),
            heartbeat_ms=heartbeat_ms,
            at_most_ms=1000,
            interval_ms=10_000,
            filters=(),
        )
        spec: Any = None
        return SensorPlan(
            name="attic",
            spec=spec,
            variant="bme280",
            options=None,
            address=0x76,
            interval_s=Seconds(10.0),
            channels=(ChannelPlan(source=source("attic"), rules=rules, is_published=is_published),),
        )

    return make


def test_meta_tells_what_is_measured_and_how_often(plan: Callable[..., SensorPlan]) -> None:
    labels = Labels(gateway="Greenhouse north", sensors={"attic": "Attic"}, channels={("attic", "temperature"): "T"})
    assert json.loads(meta([plan()], gateway="greenhouse", version="0.1.0", labels=labels)) == {
        "schema_version": 1,
        "gateway": "greenhouse",
        "label": "Greenhouse north",
        "version": "0.1.0",
        "sensors": {
            "attic": {
                "label": "Attic",
                "driver": "bme280",
                "interval_s": 10.0,
                "channels": {
                    "temperature": {
                        "label": "T",
                        "quantity": "temperature",
                        "unit": "°C",
                        "ucum": "Cel",
                        "resolution": 0.01,
                        "deadband": 0.1,
                        "heartbeat_s": 300.0,
                        "at_most_s": 1.0,
                    },
                },
            },
        },
    }


def test_a_relative_deadband_has_its_floor(plan: Callable[..., SensorPlan]) -> None:
    told = json.loads(meta([plan(relative=True)], gateway="g", version="1", labels=Labels()))
    assert told["sensors"]["attic"]["channels"]["temperature"]["deadband"] == {"relative": 0.02, "at_least": 1.0}


def test_channels_that_are_not_published_have_no_state(plan: Callable[..., SensorPlan]) -> None:
    assert not published_channels([plan(is_published=False)])
    told = json.loads(meta([plan(is_published=False)], gateway="g", version="1", labels=Labels()))
    assert told["sensors"]["attic"]["channels"] == {}


def test_a_state_lives_for_three_heartbeats_or_ten_intervals(plan: Callable[..., SensorPlan]) -> None:
    assert published_channels([plan()])[0].lifetime_ms == 900_000
    assert published_channels([plan(heartbeat_ms=None)])[0].lifetime_ms == 100_000
