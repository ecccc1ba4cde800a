from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sensor_gateway.model.errors import BusMissing, Nack, NoAnswer
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.sht4x import Sht4x
from sensor_gateway.simulation.chips.light.bh1750 import Bh1750
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.scenario_text import read_scenario
from sensor_gateway.simulation.virtual_clock import VirtualClock

Mount = Callable[..., Mounting]
Build = Callable[..., SimulatedI2cBus]

SHT, LIGHT = 0x44, 0x23


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start_s=50.0)


@pytest.fixture
def build(mount: Mount, clock: VirtualClock) -> Build:
    """A bus with an SHT4x called probe and a BH1750 called lamp, and the faults given."""

    def make(*faults: dict[str, object]) -> SimulatedI2cBus:
        bus = SimulatedI2cBus(
            "i2c1",
            [
                Socket(model=Sht4x, mounting=mount("sht4x", address=SHT, temperature=20.0, humidity=50.0)),
                Socket(
                    model=Bh1750, mounting=replace(mount("bh1750", address=LIGHT, illuminance=100.0), sensor="lamp")
                ),
            ],
            clock=clock,
            faults=read_scenario({"faults": list(faults)}).faults,
        )
        bus.open()
        return bus

    return make


def measure(bus: SimulatedI2cBus, clock: VirtualClock) -> bytes:
    bus.transfer(SHT, b"\xfd", 0)
    clock.advance(0.01)
    return bus.transfer(SHT, b"", 6)


def test_chips_answer_at_their_addresses_only(build: Build, clock: VirtualClock) -> None:
    bus = build()
    assert len(measure(bus, clock)) == 6
    assert bus.transfer(LIGHT, b"\x20", 2) == b"\x00\x00"
    with pytest.raises(Nack, match="0x50"):
        bus.transfer(0x50, b"\x00", 1)


def test_a_probe_of_no_bytes_tells_who_is_there(build: Build) -> None:
    bus = build()
    assert bus.transfer(LIGHT, b"", 0) == b""
    with pytest.raises(Nack):
        bus.transfer(0x50, b"", 0)


def test_a_closed_bus_transfers_nothing(build: Build) -> None:
    bus = build()
    bus.close()
    bus.close()
    with pytest.raises(BusMissing):
        bus.transfer(LIGHT, b"", 2)
    bus.open()
    assert bus.transfer(LIGHT, b"", 2) == b"\x00\x00"


def test_every_second_nack_hits_one_sensor_and_only_in_its_time(build: Build, clock: VirtualClock) -> None:
    bus = build({"sensor": "lamp", "kind": "nack", "from": "1s", "for": "1s", "every": 2})
    outcomes = []
    for _ in range(12):
        try:
            bus.transfer(LIGHT, b"", 2)
            outcomes.append("ok")
        except Nack:
            outcomes.append("nack")
        bus.transfer(SHT, b"\x89", 6)
        clock.advance(0.25)
    assert outcomes == ["ok"] * 4 + ["ok", "nack", "ok", "nack"] + ["ok"] * 4


def test_crc_turns_one_bit_and_short_leaves_ones_behind(build: Build, clock: VirtualClock) -> None:
    whole = measure(build(), clock)
    damaged = measure(build({"sensor": "probe", "kind": "crc"}), clock)
    short = measure(build({"bus": "i2c1", "kind": "short"}), clock)
    assert [place for place in range(6) if whole[place] != damaged[place]] == [3]
    assert short == whole[:3] + b"\xff\xff\xff"


def test_one_sensor_that_holds_the_wire_stops_all(build: Build, clock: VirtualClock) -> None:
    bus = build({"sensor": "probe", "kind": "stuck", "from": "1s", "for": "1s"})
    bus.transfer(LIGHT, b"", 2)
    clock.advance(1.0)
    for address in (LIGHT, SHT, 0x50):
        with pytest.raises(NoAnswer):
            bus.transfer(address, b"", 2)
    clock.advance(1.0)
    bus.transfer(LIGHT, b"", 2)


def test_silence_is_a_transaction_that_times_out(build: Build) -> None:
    with pytest.raises(NoAnswer):
        build({"sensor": "lamp", "kind": "silence"}).transfer(LIGHT, b"", 2)


def test_a_delay_takes_its_time(build: Build, clock: VirtualClock) -> None:
    bus = build({"sensor": "lamp", "kind": "delay", "by": "300ms"})
    bus.transfer(LIGHT, b"", 2)
    assert clock.monotonic() == pytest.approx(50.3)
    bus.transfer(SHT, b"\x89", 6)
    assert clock.monotonic() == pytest.approx(50.3)


def test_an_unplugged_bus_is_missing_until_it_is_back_and_opened(build: Build, clock: VirtualClock) -> None:
    bus = build({"bus": "i2c1", "kind": "unplug", "from": "1s", "for": "1s"})
    clock.advance(1.0)
    with pytest.raises(BusMissing):
        bus.transfer(LIGHT, b"", 2)
    with pytest.raises(BusMissing):
        bus.open()
    clock.advance(1.0)
    with pytest.raises(BusMissing):
        bus.transfer(LIGHT, b"", 2)
    bus.open()
    assert bus.transfer(LIGHT, b"", 2) == b"\x00\x00"


def test_an_unplugged_sensor_comes_back_fresh_from_power_on(build: Build, clock: VirtualClock) -> None:
    bus = build({"sensor": "lamp", "kind": "unplug", "from": "1s", "for": "1s"})
    bus.transfer(LIGHT, b"\x20", 0)
    clock.advance(0.5)
    assert bus.transfer(LIGHT, b"", 2) == b"\x00\x78"
    clock.advance(0.5)
    with pytest.raises(Nack):
        bus.transfer(LIGHT, b"", 2)
    bus.transfer(SHT, b"\x89", 6)
    clock.advance(1.0)
    assert bus.transfer(LIGHT, b"", 2) == b"\x00\x00"
