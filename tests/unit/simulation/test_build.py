from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Vector
from sensor_gateway.model.errors import Nack
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan
from sensor_gateway.simulation import build
from sensor_gateway.simulation.build import BrokenChipModel, simulated_bus
from sensor_gateway.simulation.chips.vectors import VectorChip
from sensor_gateway.simulation.scenario_text import read_scenario
from sensor_gateway.simulation.virtual_clock import VirtualClock

MakeSpec = Callable[..., DriverSpec]
MakeChannel = Callable[..., Channel]

RULES = ChangeRules(deadband=Absolute(by=0.1), heartbeat_ms=None, at_most_ms=0, interval_ms=1000, filters=())


def plan(spec: DriverSpec, name: str, address: int, channels: tuple[Channel, ...] = ()) -> SensorPlan:
    return SensorPlan(
        name=name,
        spec=spec,
        variant=next(iter(spec.variants)),
        options=None,
        address=address,
        interval_s=Seconds(1.0),
        channels=tuple(
            ChannelPlan(source=Source(sensor=name, channel=channel), rules=RULES, is_published=True)
            for channel in channels
        ),
    )


def test_each_sensor_gets_the_chip_of_its_driver_and_its_own_weather(
    make_spec: MakeSpec, make_channel: MakeChannel
) -> None:
    spec = make_spec("bh1750")
    light = make_channel("illuminance", 0, 60_000)
    scenario = read_scenario({"values": {"north.illuminance": 100, "south.illuminance": 1000}})
    clock = VirtualClock()
    bus = simulated_bus(
        "i2c1",
        "i2c",
        [plan(spec, "north", 0x23, (light,)), plan(spec, "south", 0x5C, (light,))],
        scenario=scenario,
        clock=clock,
    )
    bus.open()
    for address in (0x23, 0x5C):
        bus.transfer(address, b"\x20", 0)
    clock.advance(0.2)
    assert bus.transfer(0x23, b"", 2) == (120).to_bytes(2, "big")
    assert bus.transfer(0x5C, b"", 2) == (1200).to_bytes(2, "big")


def test_a_driver_without_a_model_gets_its_vectors_played(make_spec: MakeSpec) -> None:
    spec = make_spec(vectors=(Vector(variant="made_up", frames=(b"\x12\x34",), values={}, source="made up"),))
    bus = simulated_bus("i2c1", "i2c", [plan(spec, "thing", 0x33)], clock=VirtualClock())
    bus.open()
    assert bus.transfer(0x33, b"\x00", 2) == b"\x12\x34"
    with pytest.raises(Nack):
        bus.transfer(0x34, b"\x00", 2)


def test_a_driver_of_a_serial_protocol_without_a_model_answers_or_talks(make_spec: MakeSpec) -> None:
    vectors = (Vector(variant="made_up", frames=(b"word\n",), values={}, source="made up"),)
    asked = make_spec(bus=BusKind.SERIAL_REQUEST, vectors=vectors)
    talking = make_spec(bus=BusKind.SERIAL_STREAM, vectors=vectors)
    answering = simulated_bus("rs485", "serial", [plan(asked, "thing", 1)], clock=VirtualClock())
    answering.open()
    assert answering.read(5.0) == b""
    answering.write(b"?", 1.0)
    assert answering.read(5.0) == b"word\n"
    speaking = simulated_bus("usb", "serial", [plan(talking, "thing", 0)], clock=VirtualClock())
    speaking.open()
    assert speaking.read(5.0) == b"word\n"


class Constant(VectorChip):
    def read(self, count: int, now_s: float) -> bytes:
        return b"\x2a" * count


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third party's package with one good chip model, and others that cannot be had."""
    module: Any = ModuleType("third_party_chips")
    module.Constant = Constant
    monkeypatch.setitem(sys.modules, "third_party_chips", module)
    errors = {"leaves": SystemExit(3), "mute": Mute(), "stops": KeyboardInterrupt()}

    def absent(name: str) -> object:
        raise errors[name]

    module.__getattr__ = absent
    points = {
        "good": EntryPoint("good", "third_party_chips:Constant", build.GROUP),
        "broken": EntryPoint("broken", "third_party_nowhere:Chip", build.GROUP),
        **{name: EntryPoint(name, f"third_party_chips:{name}", build.GROUP) for name in ("leaves", "mute", "stops")},
    }
    monkeypatch.setattr(build, "entry_points", lambda *, group, name: [points[name]] if group == build.GROUP else [])


@pytest.mark.usefixtures("third_party")
def test_third_parties_bring_models_by_entry_point(make_spec: MakeSpec) -> None:
    bus = simulated_bus("i2c1", "i2c", [plan(make_spec("good"), "thing", 0x33)], clock=VirtualClock())
    bus.open()
    assert bus.transfer(0x33, b"", 3) == b"\x2a\x2a\x2a"


@pytest.mark.usefixtures("third_party")
def test_a_model_that_cannot_be_loaded_says_which_and_why(make_spec: MakeSpec) -> None:
    with pytest.raises(BrokenChipModel, match=r"third_party_nowhere:Chip .* broken .*No module"):
        simulated_bus("i2c1", "i2c", [plan(make_spec("broken"), "thing", 0x33)], clock=VirtualClock())


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(("name", "why"), [("leaves", "SystemExit: 3"), ("mute", "Mute: an error whose message")])
def test_a_model_that_leaves_or_says_nothing_when_it_is_loaded_is_told_too(
    make_spec: MakeSpec, name: str, why: str
) -> None:
    with pytest.raises(BrokenChipModel, match=why):
        simulated_bus("i2c1", "i2c", [plan(make_spec(name), "thing", 0x33)], clock=VirtualClock())


@pytest.mark.usefixtures("third_party")
def test_whoever_ends_the_program_while_a_model_is_loaded_ends_it(make_spec: MakeSpec) -> None:
    with pytest.raises(KeyboardInterrupt):
        simulated_bus("i2c1", "i2c", [plan(make_spec("stops"), "thing", 0x33)], clock=VirtualClock())
