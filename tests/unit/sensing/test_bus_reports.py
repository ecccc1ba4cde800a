"""What a bus says of itself: right figures, in turns that are taken anyway."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import Nack
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.sensing.reporting.wire_meter import WireMeter
from sensor_gateway.simulation.virtual_clock import VirtualClock

BOOT_S = 5000.0
"""Where the rig's clock of stamps begins."""


def test_the_load_is_the_share_of_time_in_which_the_wire_was_busy(rig: Any) -> None:
    """One transfer of 10 ms each second, after a few for the identity."""
    rig.bus.takes_s = 0.01
    rig.add(interval_s=1.0)
    rig.run(60.5)
    report = rig.outlet.report
    assert (report.bus, report.state) == ("i2c1", BusState.ALIVE)
    assert report.load == pytest.approx(0.01, rel=0.05)
    assert report.error_rate == 0
    read_s = report.sensors[0].last_good.uptime_ms / 1000 - BOOT_S
    assert 50 <= read_s <= 60.5, "a report is ten seconds old at most"
    assert report.transfers == sum(moment <= read_s for moment, _, _, _ in rig.bus.transfers)


def test_transfers_that_fail_are_counted_and_their_share_is_told(rig: Any) -> None:
    """Of two sensors one is not there; it is tried ever less often."""
    rig.add("attic", address=0x10, interval_s=1.0)
    rig.add("bench", address=0x11, chip=lambda _, __: (_ for _ in ()).throw(Nack("nobody")), interval_s=1.0)
    rig.run(61)
    report = rig.outlet.report
    assert 0 < report.error_rate < 0.5
    attic, bench = report.sensors
    assert (attic.sensor, attic.failures) == ("attic", 0)
    read_s = attic.last_good.uptime_ms / 1000 - BOOT_S
    assert report.errors == sum(at == 0x11 and moment <= read_s for moment, at, _, _ in rig.bus.transfers) > 0
    assert (bench.sensor, bench.last_good) == ("bench", None)
    assert 0 < bench.failures <= bench.polls


def test_a_report_costs_no_turn_and_no_wake_up(rig: Any) -> None:
    rig.add(interval_s=1.0)
    rig.run(2)
    turns, wakes = len(rig.turns), rig.wakes
    rig.run(32)
    assert len(rig.turns) - turns == 30, "the turns of the readings, and no other"
    assert rig.wakes == wakes, "nothing was news, so nobody was woken"
    assert rig.outlet.report.sensors[0].polls >= 29


def test_what_a_sensor_has_come_to_is_in_the_report_of_that_turn(rig: Any) -> None:
    rig.add(interval_s=1.0)
    rig.run(1.5)
    rig.bus.chips.clear()
    rig.run(2.5)
    assert rig.states[-1].state == "degraded"
    assert rig.outlet.report.sensors[0].failures == 1


def test_of_the_line_of_a_stream_no_load_is_told(rig: Any) -> None:
    line = rig.on_a_line()
    line.say(0.5, b"20\n")
    rig.add(driver=Numbers, kind=BusKind.SERIAL_STREAM)
    rig.run(12)
    report = rig.outlet.report
    assert (report.bus, report.load, report.error_rate, report.transfers) == ("rs485", None, None, 0)
    assert report.sensors[0].polls == 1


class Numbers:
    """A number a line."""

    def feed(self, data: bytes) -> Any:
        yield {"temperature": float(data)}


busy = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 60), st.booleans()), max_size=40)


@given(busy)
def test_rates_are_shares_whatever_happens(steps: list[tuple[float, float, bool]]) -> None:
    clock = VirtualClock()
    meter = WireMeter(clock.monotonic)

    def transfer(takes_ms: int, data: bytes, _count: int) -> bytes:
        clock.advance(takes_ms / 1000)
        if data:
            raise Nack("nobody")
        return b""

    measured = meter.transfer(transfer)
    for takes_s, pause_s, is_good in steps:
        try:
            measured(round(takes_s * 1000), b"" if is_good else b"\x00", 0)
        except Nack:
            assert not is_good
        clock.advance(pause_s)
        rates = meter.rates(clock.stamp().uptime_ms)
        assert rates.load is None or 0 <= rates.load <= 1
        assert rates.error_rate is None or 0 <= rates.error_rate <= 1
    assert meter.transfers == len(steps)
    assert meter.errors == sum(not is_good for _, _, is_good in steps)


def test_the_last_minute_is_what_counts() -> None:
    """An hour of full load, then silence: after a minute nothing of it is left."""
    clock = VirtualClock()
    meter = WireMeter(clock.monotonic)
    measured = meter.transfer(lambda _, __, ___: clock.advance(10) or b"")
    for _ in range(360):
        measured(0x10, b"", 0)
        rates = meter.rates(clock.stamp().uptime_ms)
    assert rates.load == pytest.approx(1.0)
    for _ in range(7):
        clock.advance(10)
        rates = meter.rates(clock.stamp().uptime_ms)
    assert rates.load == pytest.approx(0.0)
    assert rates.error_rate is None
