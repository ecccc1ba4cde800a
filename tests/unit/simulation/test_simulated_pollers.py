"""The whole way in virtual time: world, chip, bus, driver, engine, poller, change events."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_type_hints

import pytest
from proving.logs import Quiet

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Source
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.event import ChangeEvent, Reason
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.simulation.build import simulated_bus
from sensor_gateway.simulation.scenario import Scenario
from sensor_gateway.simulation.scenario_text import read_scenario
from sensor_gateway.simulation.timeline import Lane, play
from sensor_gateway.simulation.virtual_clock import VirtualClock


def plan(name: str, driver: str, variant: str, address: int, options: Any = None) -> SensorPlan:
    spec = importlib.import_module(f"sensor_drivers.{driver}").SPEC
    assert isinstance(spec, DriverSpec)
    chosen = spec.options() if options is None else options(spec)
    channels = spec.variants[variant].channels if spec.channels_of is None else spec.channels_of(chosen)
    rules = ChangeRules(deadband=Absolute(by=0.0), heartbeat_ms=None, at_most_ms=0, interval_ms=1000, filters=())
    return SensorPlan(
        name=name,
        spec=spec,
        variant=variant,
        options=chosen,
        address=address,
        interval_s=Seconds(1.0),
        channels=tuple(
            ChannelPlan(source=Source(sensor=name, channel=channel), rules=rules, is_published=True)
            for channel in channels
        ),
    )


def registers(spec: DriverSpec) -> object:
    _, register = get_args(get_type_hints(spec.options)["registers"])
    row = {"register": 1, "function": "input", "type": "s16", "scale": 0.1, "quantity": "temperature"}
    return spec.options(registers={"air": register(**row)})


def fields(spec: DriverSpec) -> object:
    _, field = get_args(get_type_hints(spec.options)["fields"])
    return spec.options(format="json", fields={"t": field(quantity="temperature"), "h": field(quantity="humidity")})


SENSORS: Mapping[str, tuple[Literal["i2c", "serial"], list[SensorPlan]]] = {
    "i2c1": (
        "i2c",
        [
            plan("attic", "bme280", "bme280", 0x76),
            plan("bench", "bh1750", "bh1750", 0x23),
            plan("hall", "sht4x", "sht4x", 0x44),
            plan("cellar", "lm75", "tmp102", 0x48),
        ],
    ),
    "rs485": ("serial", [plan("boiler", "modbus", "modbus", 7, registers)]),
    "usb": ("serial", [plan("garden", "line", "line", 0, fields)]),
}


def simulated(seconds: float, *buses: str, scenario: Scenario | None = None, seed: int = 0) -> list[ChangeEvent]:
    lanes, outlets, told = [], {}, []
    for name in buses or SENSORS:
        kind, sensors = SENSORS[name]
        clock, outlet = VirtualClock(), Outlet(10_000, lambda: None)
        bus = simulated_bus(name, kind, sensors, seed=seed, scenario=scenario, clock=clock)
        poller = Poller(bus=bus, sensors=sensors, clock=clock, outlet=outlet, log=Quiet(), slack_s=0.05)
        lanes.append(Lane(stepper=poller, clock=clock))
        outlets[id(poller)] = outlet

    def drain(lane: Lane) -> None:
        told.extend(outlets[id(lane.stepper)].take()[0])

    jumps = scenario.clock_jumps if scenario else ()
    play(lanes, seconds=seconds, after_step=drain, clock_jumps=jumps)
    return told


def test_every_channel_of_every_kind_of_sensor_has_something_to_say() -> None:
    told = simulated(10.0)
    said = Counter(f"{event.source.sensor}.{event.source.channel.name}" for event in told)
    assert set(said) == {
        "attic.temperature",
        "attic.humidity",
        "attic.pressure",
        "bench.illuminance",
        "hall.temperature",
        "hall.humidity",
        "cellar.temperature",
        "boiler.air",
        "garden.t",
        "garden.h",
    }
    assert all(event.code is None for event in told)
    assert said["attic.pressure"] == 10
    assert said["garden.t"] == 9
    assert max(event.stamp.uptime_ms for event in told) < 10_000


def test_a_simulation_tells_the_same_each_time_and_another_for_another_seed() -> None:
    assert simulated(5.0) == simulated(5.0)
    assert simulated(5.0) != simulated(5.0, seed=1)


@pytest.mark.parametrize(
    ("bus", "sensor", "kind", "code"),
    [
        ("i2c1", "hall", "nack", "nack"),
        ("i2c1", "hall", "crc", "crc"),
        ("i2c1", "hall", "silence", "timeout"),
        ("i2c1", "hall", "unplug", "nack"),
        ("rs485", "boiler", "silence", "timeout"),
        ("rs485", "boiler", "crc", "crc"),
        ("usb", "garden", "silence", "timeout"),
    ],
)
def test_a_fault_of_one_sensor_is_told_with_its_code_and_ends(bus: str, sensor: str, kind: str, code: str) -> None:
    scenario = read_scenario({"faults": [{"sensor": sensor, "kind": kind, "from": "5s", "for": "6s"}]})
    told = simulated(60.0, bus, scenario=scenario)
    faults = [event for event in told if event.reason is Reason.FAULT]
    assert {event.source.sensor for event in faults} == {sensor}
    assert {str(event.code) for event in faults} == {code}
    assert all(5_000 <= event.stamp.uptime_ms < 11_000 for event in faults)
    recoveries = {event.source.channel.name for event in told if event.reason is Reason.RECOVERY}
    assert recoveries == {event.source.channel.name for event in faults}


@pytest.mark.parametrize(("kind", "code"), [("unplug", "missing"), ("stuck", "bus_stuck")])
def test_a_fault_of_the_bus_is_told_of_every_sensor_and_ends(kind: str, code: str) -> None:
    scenario = read_scenario({"faults": [{"bus": "i2c1", "kind": kind, "from": "5s", "for": "6s"}]})
    told = simulated(60.0, "i2c1", scenario=scenario)
    faulty = {event.source.sensor for event in told if event.reason is Reason.FAULT and str(event.code) == code}
    assert faulty == {"attic", "bench", "hall", "cellar"}
    assert {event.source.sensor for event in told if event.reason is Reason.RECOVERY} == faulty


def test_values_follow_the_scenario_and_the_wall_clock_jumps() -> None:
    scenario = read_scenario(
        {
            "values": {"cellar.temperature": {"steps": [["0s", 20], ["5500ms", 25]]}},
            "faults": [{"kind": "clock_jump", "at": "3s", "by": "1h"}],
        }
    )
    told = [event for event in simulated(10.0, "i2c1", scenario=scenario) if event.source.sensor == "cellar"]
    assert [event.value for event in told] == [20.0, 25.0]
    before, after = told
    assert after.stamp.uptime_ms == pytest.approx(6_000, abs=100)
    passed_ms = after.stamp.wall_ms - before.stamp.wall_ms
    assert passed_ms == after.stamp.uptime_ms - before.stamp.uptime_ms + 3_600_000
