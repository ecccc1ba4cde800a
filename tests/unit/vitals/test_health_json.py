"""The health message: its keys are public, and it always fits."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import (
    BusCondition,
    BytesWritten,
    GatewayAlarm,
    Health,
    LinkHealth,
    LinkState,
    LostEvents,
    SensorCondition,
    SensorCounts,
)
from sensor_gateway.model.vitals.health_json import MOST_BYTES, health_payload
from sensor_gateway.model.vitals.moment import Rfc3339

AT = Rfc3339("2026-11-23T16:00:00.123Z")


def sensor(state: Availability = Availability.ONLINE, reason: str = "") -> SensorCondition:
    code = None if state is Availability.ONLINE else FailureCode.NACK
    return SensorCondition(state=state, code=code, reason=reason, since=AT, last_good=AT, polls=86_400, failures=12)


def health(sensors: int = 1, *, ill: int = 0, buses: int = 1) -> Health:
    reason = "no answer at address 0x76: check the wiring, the supply and the address; it was tried three times"
    conditions = {f"sensor-number-{number}": sensor() for number in range(sensors - ill)}
    conditions |= {f"ill-sensor-{number}": sensor(Availability.OFFLINE, reason) for number in range(ill)}
    bus = BusCondition(
        state=BusState.ALIVE, load=0.1234, error_rate=0.0, transfers=10**9, errors=0, missed=0, put_off=0
    )
    return Health(
        time=AT,
        clock=ClockState.SYNCED,
        gateway="greenhouse",
        instance="0123abcd",
        boot="1b4e28ba",
        version="0.1.0",
        python="3.11.7",
        uptime_s=86_400,
        interval_s=60.0,
        link=LinkHealth(state=LinkState.CONNECTED, since=AT, reason="", protocol="5"),
        reconnects=0,
        buffered=0,
        oldest=None,
        full_in_s=None,
        sent=10**9,
        acknowledged=10**9,
        no_subscriber=0,
        lost_total=3,
        lost=LostEvents(limit=2, refused=1),
        purged=0,
        bytes_written=BytesWritten(total=1, per_day=None),
        alarms=(GatewayAlarm.OUTBOX_FLASH,),
        sensor_counts=SensorCounts(online=sensors - ill, offline=ill),
        buses={f"i2c{number}": bus for number in range(buses)},
        sensors=conditions,
    )


def told(value: Health, room: int = MOST_BYTES) -> dict[str, Any]:
    payload = health_payload(value, room)
    assert len(payload) <= room
    found: dict[str, Any] = json.loads(payload)
    return found


def test_the_keys_that_others_count_on_are_there() -> None:
    """Home Assistant's templates and the fleet read these."""
    found = told(health())
    assert found["link"]["state"] == "connected"
    assert (found["buffered"], found["lost_total"], found["uptime_s"]) == (0, 3, 86_400)
    public = "uptime_s version link buffered oldest lost_total lost acknowledged no_subscriber reconnects buses sensors"
    assert {*public.split(), "clock", "bytes_written", "alarms"} <= found.keys()
    assert list(found) == [field.name for field in fields(Health)]


def test_the_parts_of_what_is_lost_add_up() -> None:
    parts = LostEvents(limit=1, age=2, damage=4, quarantine=8, memory=16, refused=32, unknown=64)
    assert parts.total == sum(getattr(parts, field.name) for field in fields(LostEvents)) == 127


@pytest.mark.parametrize(("sensors", "ill"), [(100, 0), (100, 100)])
def test_a_hundred_sensors_fit_whole(sensors: int, ill: int) -> None:
    found = told(health(sensors, ill=ill, buses=10))
    assert found["left_out"] == []
    assert len(found["sensors"]) == 100


def test_what_is_too_large_leaves_out_first_what_is_well_and_says_so() -> None:
    whole = health(20, ill=3)
    room = len(health_payload(whole)) - 1
    found = told(whole, room)
    assert found["left_out"] == ["online_sensors"]
    assert set(found["sensors"]) == {"ill-sensor-0", "ill-sensor-1", "ill-sensor-2"}
    assert found["sensor_counts"]["online"] == 17


def test_it_goes_on_getting_shorter_until_it_fits() -> None:
    whole = health(200, ill=200, buses=40)
    left_out = [tuple(told(whole, room)["left_out"]) for room in (60_000, 45_000, 20_000, 4_000)]
    assert left_out[1] == ("online_sensors", "reasons")
    assert left_out[2] == ("online_sensors", "reasons", "sensors")
    assert left_out[3] == ("online_sensors", "reasons", "sensors", "buses")
    assert told(whole, 4_000)["sensor_counts"]["offline"] == 200


def test_a_broker_without_a_limit_gets_no_more_than_64_kb() -> None:
    assert len(health_payload(health(10_000, ill=10_000), 268_435_455)) <= 64_000


def test_the_least_is_about_a_kilobyte_whatever_there_is_to_say() -> None:
    assert len(health_payload(health(10_000, ill=10_000, buses=1000), 0)) < 1200


def test_it_is_valid_json_without_escapes_for_letters() -> None:
    value = replace(health(), sensors={"küche": sensor(Availability.DEGRADED, "zu heiß: 85 °C")})
    assert "zu heiß: 85 °C".encode() in health_payload(value)
