from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sensor_gateway.model.driver_spec import Identity
from sensor_gateway.model.operations import WriteRead


def saying(*bytes_: bytes) -> Any:
    """A chip whose measurements answer these in turn, and then the last one for ever."""
    answers: Iterator[bytes] = iter(bytes_)
    last = b""

    def chip(data: bytes, count: int) -> bytes:
        nonlocal last
        if data == b"\x00":
            last = next(answers, last)
            return last
        return bytes(count)

    return chip


class TwoChannels:
    names = ("temperature", "humidity")
    found = ("temperature", "humidity")
    note = ""

    def identify(self) -> Any:
        yield WriteRead(b"\x1d", 1)
        return Identity(part="X2", channels=self.found, note=self.note)

    def setup(self) -> Any:
        yield WriteRead(b"\x5e", 1)

    def measure(self) -> Any:
        answer = yield WriteRead(b"\x00", 2)
        values = {"temperature": float(answer[0]), "humidity": float(answer[1])}
        return {name: values[name] for name in self.found}


class HalfAChip(TwoChannels):
    found = ("temperature",)
    note = "this BME280 is a BMP280: it has no humidity sensor"


def test_a_value_beyond_its_channel_fails_this_channel_alone(rig: Any, channels: Any) -> None:
    rig.add(driver=TwoChannels, channels=channels, chip=saying(b"\x14\x32", b"\x15\xc8", b"\x16\x32"))
    rig.run(5)
    temperatures = [event.value for event in rig.events if event.source.channel.name == "temperature"]
    humidities = [(event.reason.value, event.value) for event in rig.events if event.source.channel.name == "humidity"]
    assert temperatures == [20.0, 21.0, 22.0]
    assert humidities == [("first", 50.0), ("fault", None), ("recovery", 50.0)]
    assert rig.health() == [("starting", None), ("online", None), ("degraded", "range"), ("online", None)]
    assert len(rig.bus.moments(0x10, b"\x5e")) == 1, "no set-up: the chip is well"


def test_a_frozen_value_is_a_fault_until_it_changes_and_is_set_up_once(rig: Any) -> None:
    rig.add(frozen_after={"temperature": 5}, chip=saying(*[b"\x14"] * 10, b"\x19"))
    rig.run(20)
    assert rig.news()[:3] == [("first", 20.0, None), ("fault", None, "frozen"), ("recovery", 25.0, None)]
    assert rig.events[1].stamp.uptime_ms - rig.events[0].stamp.uptime_ms == 4000
    setups = rig.bus.moments(0x10, b"\x5e")
    assert setups == [0.0, 5.0, 15.0]


def test_a_constant_value_is_no_fault_where_the_driver_does_not_say_so(rig: Any) -> None:
    rig.add()
    rig.run(1000)
    assert rig.news() == [("first", 20.0, None)]


def test_a_power_on_value_is_never_published(rig: Any) -> None:
    rig.add(power_on={"temperature": 85.0}, chip=saying(b"\x55", b"\x14"))
    rig.run(3)
    assert rig.news() == [("first", 20.0, None)]
    assert len(rig.bus.moments(0x10, b"\x5e")) == 2


def test_a_chip_that_shows_nothing_but_its_power_on_value_fails(rig: Any) -> None:
    rig.add(power_on={"temperature": 85.0}, chip=saying(b"\x55"))
    rig.run(10)
    assert rig.news() == [("fault", None, "power_on")]


def test_a_power_on_value_in_mid_run_is_refused_and_the_chip_set_up_again(rig: Any) -> None:
    rig.add(power_on={"temperature": 85.0}, chip=saying(b"\x14", b"\x14", b"\x55", b"\x15"))
    rig.run(3)
    assert [value for _, value, _ in rig.news()] == [20.0, 21.0]


def test_channels_that_the_part_lacks_fail_once_as_missing_and_the_rest_runs(rig: Any, channels: Any) -> None:
    rig.add(driver=HalfAChip, channels=channels)
    rig.run(20)
    assert [(event.source.channel.name, event.code) for event in rig.events] == [
        ("humidity", "missing"),
        ("temperature", None),
    ]
    assert rig.health() == [("starting", None), ("online", "missing")]
    assert "BMP280" in rig.states[-1].reason
    [identified] = rig.log.facts("sensor_identified")
    assert "BMP280" in identified["note"]


def test_a_lacking_channel_stays_missing_while_the_sensor_is_away(rig: Any, channels: Any) -> None:
    rig.add(driver=HalfAChip, channels=channels, heartbeat_ms=5000)
    rig.run(1.5)
    del rig.bus.chips[0x10]
    rig.run(30)
    codes = {event.source.channel.name: event.code for event in rig.events}
    assert codes == {"humidity": "missing", "temperature": "nack"}


def test_unpublished_channels_are_measured_and_not_told(rig: Any, channels: Any) -> None:
    rig.add(driver=TwoChannels, channels=channels)
    [plan] = rig.plans
    silent = replace(plan.channels[1], is_published=False)
    rig.plans[:] = [replace(plan, channels=(plan.channels[0], silent))]
    rig.run(3)
    assert {event.source.channel.name for event in rig.events} == {"temperature"}
    assert rig.health()[-1] == ("online", None)


def test_all_readings_of_one_measurement_bear_one_stamp(rig: Any, channels: Any) -> None:
    rig.bus.takes_s = 0.003
    rig.add(driver=TwoChannels, channels=channels)
    rig.run(0.5)
    first, second = rig.events
    assert first.stamp is second.stamp
    assert first.stamp.uptime_ms == 5_000_009, "the stamp is taken when the answer has come"
