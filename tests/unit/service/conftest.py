from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Variant
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan

CHANNEL = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=85, resolution=0.01)


@pytest.fixture
def make_sensor() -> Callable[[str], SensorPlan]:
    """Makes the plan of a sensor that nobody will read."""

    def make(name: str) -> SensorPlan:
        spec = DriverSpec(
            name="fake",
            summary="",
            bus=BusKind.I2C,
            variants={"fake": Variant(channels=(CHANNEL,))},
            create=lambda variant, options, address: None,  # type: ignore[arg-type,return-value]
            replay=lambda vector: {},
            vectors=(),
        )
        rules = ChangeRules(deadband=Absolute(by=0.1), heartbeat_ms=300_000, at_most_ms=0, interval_ms=1000, filters=())
        channel = ChannelPlan(source=Source(sensor=name, channel=CHANNEL), rules=rules, is_published=True)
        return SensorPlan(
            name=name, spec=spec, variant="fake", options=None, address=8, interval_s=Seconds(1), channels=(channel,)
        )

    return make
