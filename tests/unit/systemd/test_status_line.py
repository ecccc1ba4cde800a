from __future__ import annotations

from dataclasses import replace

from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState
from sensor_gateway.model.vitals.gateway_health import (
    BytesWritten,
    GatewayAlarm,
    Health,
    LinkHealth,
    LinkState,
    LostEvents,
    Rfc3339,
    SensorCondition,
    SensorCounts,
)
from sensor_gateway.service.systemd.status_line import status_line

NOW = Rfc3339("2026-11-23T16:00:00.123Z")


def sensor(state: Availability) -> SensorCondition:
    return SensorCondition(state=state, code=None, reason="", since=NOW, last_good=None, polls=1, failures=0)


def health(**sensors: Availability) -> Health:
    states = list(sensors.values())
    return Health(
        time=NOW,
        clock=ClockState.SYNCED,
        gateway="house",
        instance="0a",
        boot="1b",
        version="1",
        python="3.11",
        uptime_s=1,
        interval_s=60,
        link=LinkHealth(state=LinkState.CONNECTED, since=NOW, reason="", protocol="5"),
        reconnects=0,
        buffered=0,
        oldest=None,
        full_in_s=None,
        sent=0,
        acknowledged=0,
        no_subscriber=0,
        lost_total=0,
        lost=LostEvents(),
        purged=0,
        bytes_written=BytesWritten(total=None, per_day=None),
        alarms=(),
        sensor_counts=SensorCounts(**{one.value: states.count(one) for one in Availability}),
        buses={},
        sensors={name: sensor(state) for name, state in sensors.items()},
    )


ON, OFF = Availability.ONLINE, Availability.OFFLINE


def test_all_well_is_one_short_line() -> None:
    assert status_line(health(a=ON, b=ON)) == "2/2 sensors ok; mqtt up; 0 buffered; clock synced"


def test_a_sensor_that_is_not_well_has_its_name_there() -> None:
    line = status_line(health(a=ON, attic=OFF, b=Availability.DEGRADED))
    assert line.startswith("1/3 sensors ok (attic offline, b degraded); ")


def test_of_many_sensors_that_are_not_well_three_are_named() -> None:
    line = status_line(health(**{f"s{number}": OFF for number in range(50)}))
    assert line.startswith("0/50 sensors ok (s0 offline, s1 offline, s2 offline, 47 more); ")


def test_no_sensors_and_no_broker_are_said_so() -> None:
    link = LinkHealth(state=LinkState.REFUSED, since=NOW, reason="not authorized", protocol=None)
    without = replace(health(), link=link, clock=ClockState.UNSYNCED, buffered=17)
    assert status_line(without) == "no sensors yet; mqtt refused; 17 buffered; clock unsynced"


def test_losses_and_alarms_stand_at_the_end() -> None:
    alarms = (GatewayAlarm.OUTBOX_FLASH, GatewayAlarm.BROKER_REFUSED, GatewayAlarm.CONFIGURATION)
    ill = replace(health(a=ON), lost_total=12, alarms=alarms)
    assert status_line(ill, alarm="the file has 2 faults").endswith(
        "; clock synced; 12 lost; outbox flash; the file has 2 faults"
    )


def test_it_is_one_line_of_bounded_length_whatever_the_alarm_says() -> None:
    line = status_line(health(a=ON), alarm="x\ny " * 500)
    assert "\n" not in line
    assert 390 < len(line) <= 400
