"""What one bus thread is told of its sensors: the configuration, worked out and checked. No file, no YAML."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Source
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """One channel: its source, what makes a value of it news, and whether its news are wanted at all."""

    source: Source
    rules: ChangeRules
    is_published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPlan:
    """One sensor on its bus.

    ``address`` is the I2C address or the serial unit (0 where there is none), ``options`` an instance of the
    driver's own dataclass. ``channels`` are all that the variant has, the unpublished ones too.
    """

    name: str
    spec: DriverSpec
    variant: str
    options: object
    address: int
    interval_s: Seconds
    channels: tuple[ChannelPlan, ...]


def plan_alone(
    name: str, spec: DriverSpec, variant: str, options: object, address: int, *, interval_s: float = 1.0
) -> SensorPlan:
    """A driver by itself, for looking at what it measures: each value is news."""
    channels = spec.variants[variant].channels if spec.channels_of is None else spec.channels_of(options)
    rules = ChangeRules(
        deadband=Absolute(by=0), heartbeat_ms=None, at_most_ms=0, interval_ms=round(interval_s * 1000), filters=()
    )
    return SensorPlan(
        name=name,
        spec=spec,
        variant=variant,
        options=options,
        address=address,
        interval_s=Seconds(interval_s),
        channels=tuple(
            ChannelPlan(source=Source(sensor=name, channel=channel), rules=rules, is_published=True)
            for channel in channels
        ),
    )
