"""A driver of a stranger may be wrong in many ways: each is a fault of its own sensors, with its place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest

from sensor_gateway.config.drivers import Catalogue, DriverShelf
from sensor_gateway.config.loading import load_text
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import DriverSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Clashing:
    interval: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    device: str = ""


class One:
    """A catalogue with one driver, which counts how often it is asked for."""

    def __init__(self, spec: DriverSpec) -> None:
        self._spec = spec
        self.asked = 0

    def names(self) -> tuple[str, ...]:
        return ("meter",)

    def spec(self, name: str) -> DriverSpec:
        del name
        self.asked += 1
        return self._spec


TEXT = """
buses: {rs485: {type: serial, port: /dev/ttyUSB0}}
sensors:
  a: {driver: meter, bus: rs485, unit: 1, registers: {x: {register: 1}}}
  b: {driver: meter, bus: rs485, unit: 2, registers: {x: {register: 1}}}
"""


def raising(error: Exception) -> object:
    def function(options: object) -> tuple[Channel, ...]:
        del options
        raise error

    return function


def faults(spec: DriverSpec) -> list[str]:
    loaded = load_text(TEXT, catalogue=One(spec), environ={}, needs_broker=False)
    return [str(fault) for fault in loaded.faults]


def test_a_driver_is_asked_for_once_however_many_sensors_it_has(drivers: Catalogue) -> None:
    one = One(drivers.spec("meter"))
    load_text(TEXT, catalogue=one, environ={}, needs_broker=False)
    assert one.asked == 1


@pytest.mark.parametrize("options", [Clashing, Later])
def test_an_option_named_like_a_key_of_every_sensor_is_refused(drivers: Catalogue, options: type) -> None:
    said = faults(dataclasses.replace(drivers.spec("meter"), options=options))
    assert len(said) == 2
    assert "is named like a key of every sensor" in said[0]


def test_a_driver_without_the_variant_of_its_name_is_refused(drivers: Catalogue) -> None:
    spec = dataclasses.replace(drivers.spec("meter"), variants={"other": drivers.spec("meter").variants["meter"]})
    assert DriverShelf(One(spec)).find("meter") == (
        "driver `meter` cannot be used: it has no variant meter, only other"
    )


@pytest.mark.parametrize("error", [ValueError("no"), TypeError("no"), KeyError("no"), ZeroDivisionError("no")])
@pytest.mark.parametrize("function", ["check", "channels_of"])
def test_objections_of_a_drivers_functions_are_faults_at_its_sensors(
    drivers: Catalogue, error: Exception, function: str
) -> None:
    said = faults(dataclasses.replace(drivers.spec("meter"), **{function: raising(error)}))
    assert [line.split(" ")[1] for line in said] == ["sensors.a:", "sensors.b:"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a/b"], "cannot stand in a topic"),
        (["+"], "cannot stand in a topic"),
        (["x" * 65], "expected at most 64"),
        ([7], "has no name"),
        ([None], "has no name"),
        (["t", "h", "t"], "two channels of one name"),
    ],
)
def test_channels_that_a_driver_makes_with_names_that_no_topic_can_have_are_faults_at_its_sensors(
    drivers: Catalogue, names: list[object], said: str
) -> None:
    channel = drivers.spec("chip").variants["chip"].channels[0]
    made = tuple(dataclasses.replace(channel, name=name) for name in names)  # type: ignore[arg-type]
    found = faults(dataclasses.replace(drivers.spec("meter"), channels_of=lambda _options: made))
    assert [line.split(" ")[1] for line in found] == ["sensors.a:", "sensors.b:"]
    assert all(said in line for line in found)


def test_what_a_driver_makes_and_is_no_channel_is_a_fault_at_its_sensors(drivers: Catalogue) -> None:
    found = faults(dataclasses.replace(drivers.spec("meter"), channels_of=lambda _options: ("temperature",)))  # type: ignore[arg-type, return-value]
    assert [line.split(" ")[1] for line in found] == ["sensors.a:", "sensors.b:"]
