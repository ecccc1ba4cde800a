"""Chip models and drivers know nothing of each other: what goes in as physics must come out as a value."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.operations import Exchange, Operation, Read, Wait, Write, WriteRead
from sensor_gateway.simulation.build import MODELS
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.virtual_clock import VirtualClock


def spec_of(name: str) -> DriverSpec:
    spec = importlib.import_module(f"sensor_drivers.{name}").SPEC
    assert isinstance(spec, DriverSpec)
    return spec


I2C_VARIANTS = [(name, variant) for name in ("bh1750", "bme280", "lm75", "sht4x") for variant in spec_of(name).variants]


def perform(steps: Generator[Operation, bytes, Any], bus: SimulatedI2cBus, clock: VirtualClock, address: int) -> Any:
    answer = None
    while True:
        try:
            operation = steps.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        answer = b""
        match operation:
            case Write(data):
                bus.transfer(address, data, 0)
            case Read(count):
                answer = bus.transfer(address, b"", count)
            case WriteRead(data, count):
                answer = bus.transfer(address, data, count)
            case Wait(seconds):
                clock.advance(seconds)
            case Exchange():
                raise AssertionError("no I2C driver exchanges")


def measured(
    spec: DriverSpec, variant: str, options: object, true: Mapping[str, float], *, powered_s: float = -10.0
) -> Mapping[str, float]:
    """What the real driver makes of a chip in this weather."""
    clock = VirtualClock()
    address = spec.variants[variant].addresses[0]
    mounting = Mounting(
        sensor="probe",
        spec=spec,
        variant=variant,
        options=options,
        address=address,
        interval_s=1.0,
        powered_s=powered_s,
        courses={name: lambda _at_s, value=value: value for name, value in true.items()},  # type: ignore[misc]
    )
    bus = SimulatedI2cBus("i2c1", [Socket(model=MODELS[spec.name], mounting=mounting)], clock=clock)  # type: ignore[arg-type]
    bus.open()
    driver: Any = spec.create(variant, options, address)
    perform(driver.identify(), bus, clock, address)
    perform(driver.setup(), bus, clock, address)
    values: Mapping[str, float] = perform(driver.measure(), bus, clock, address)
    return values


def inside(channel: Channel) -> tuple[float, float]:
    """The limits, without the last step, and without what only other options reach."""
    high = {"illuminance": 50_000.0, "temperature": min(124.9, channel.high)}.get(channel.name, channel.high)
    return channel.low + channel.resolution, high - channel.resolution


@pytest.mark.parametrize(("name", "variant"), I2C_VARIANTS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_driver_reads_what_the_weather_is(name: str, variant: str, data: st.DataObject) -> None:
    spec = spec_of(name)
    channels = spec.variants[variant].channels
    true = {channel.name: data.draw(st.floats(*inside(channel)), label=channel.name) for channel in channels}
    found = measured(spec, variant, spec.options(), true)
    for channel in channels:
        slack = 1.01 * channel.resolution
        if channel.name == "illuminance":
            slack = 1 / 1.2
        assert found[channel.name] == pytest.approx(true[channel.name], abs=slack)


@pytest.mark.parametrize("variant", ["tmp102", "tmp112"])
@pytest.mark.parametrize("celsius", [-54.0, -0.0625, 20.0, 127.9375, 149.5])
def test_the_extended_range_is_read_too(variant: str, celsius: float) -> None:
    spec = spec_of("lm75")
    found = measured(spec, variant, spec.options(range="extended"), {"temperature": celsius})
    assert found["temperature"] == celsius


@pytest.mark.parametrize("variant", [variant for name, variant in I2C_VARIANTS if name == "lm75"])
def test_a_driver_waits_for_the_first_conversion_instead_of_reading_zero(variant: str) -> None:
    spec = spec_of("lm75")
    assert measured(spec, variant, spec.options(), {"temperature": 31.0}, powered_s=0.0)["temperature"] == 31.0
